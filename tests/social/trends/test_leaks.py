"""What is not for everybody, or not for this reader, trends in no way: neither the post nor its
hashtags, links and prompts, nor what was made of it."""

from __future__ import annotations

from datetime import timedelta

from fedi.clock import FakeClock
from fedi.database.tables import Account, Status
from fedi.runtime import Easel
from fedi.social import blocks, hiding, mutes
from fedi.social.attachments import ReceivedMedia
from fedi.social.visibility import SHOWN_TO_ALL
from tests.social import people
from tests.social.trends import acting
from tests.social.trends.acting import boost, elder, like, settle

OPEN = "open"
VISIBILITIES = ("unlisted", "private")
SHUT_OUT = ("silenced", "suspended", "deleted")  # after they posted
HIDDEN = ("blocked", "blocking", "muted", "domain")  # from one viewer, or the viewer from them


async def post(easel: Easel, author: Account, key: str, visibility: str) -> Status:
    """With a hashtag, a link and a prompt that tell what it is."""
    found = await people.receive(
        easel,
        author,
        content=f'<p><a href="https://news.example/{key}">look</a></p>',
        tags=(key,),
        visibility=visibility,
        media=(ReceivedMedia(remote_url=f"{author.uri}/1.png", ai_prompt=f"{key} in fog"),),
    )
    assert found is not None
    return found


async def told(easel: Easel, viewer: Account | None, keys: dict[int, str]) -> dict[str, set[str]]:
    """Of whom each of the lists tells."""
    return {
        "posts": {keys[number] for number in await acting.posts(easel, viewer)},
        "tags": set(await acting.tags(easel, viewer)),
        "links": {one.rpartition("/")[2] for one in await acting.links(easel, viewer)},
        "prompts": {one.partition(" ")[0] for one in await acting.prompts(easel, viewer)},
        "chains": {keys[number] for number in await acting.chains(easel, viewer)},
    }


async def test_nothing_trends_that_is_not_for_everybody(easel: Easel, clock: FakeClock) -> None:
    viewer, *crowd = [await people.local(easel, name) for name in ("viewer", "a", "b", "c")]
    causes = (OPEN, *VISIBILITIES, "shy", "shier", *SHUT_OUT, *HIDDEN)
    authors = {
        cause: [await elder(easel, f"{cause}{n}", f"{cause}.example") for n in range(2)]
        for cause in causes
    }
    clock.advance(timedelta(days=60))
    keys: dict[int, str] = {}
    for cause in causes:
        if cause == "shy":
            await change(easel, authors[cause], discoverable=False)
        for author in authors[cause]:
            for one in crowd:
                await people.follow(easel, one, author)
            visibility = cause if cause in VISIBILITIES else "public"
            made = await post(easel, author, cause, visibility)
            keys[made.id] = cause
            for one in crowd:
                await like(easel, made, one)
                if visibility in SHOWN_TO_ALL:
                    await boost(easel, made, one)
                await people.publish(easel, one, "a remix", based_on_uri=made.uri)
    await settle(easel)
    everything = {OPEN, "shier", *SHUT_OUT, *HIDDEN}
    assert await told(easel, None, keys) == dict.fromkeys(
        ("posts", "tags", "links", "prompts", "chains"), everything
    )

    for cause in SHUT_OUT:
        await change(easel, authors[cause], **{f"{cause}_at": clock.now()})
    await change(easel, authors["shier"], discoverable=False)
    async with easel.database.write() as tx:
        reader = await tx.get_one(Account, viewer.id)
        rows = {key: [await tx.get_one(Account, a.id) for a in authors[key]] for key in HIDDEN}
        for one in rows["blocked"]:
            await blocks.add(tx, reader, one)
        for one in rows["blocking"]:
            await blocks.add(tx, one, reader)
        for one in rows["muted"]:
            await mutes.add(tx, reader, one)
        await hiding.add(tx, reader, "domain.example")
    for _ in range(2):  # at once, and when it was counted
        for who, expected in ((None, {OPEN, *HIDDEN}), (viewer, {OPEN})):
            found = await told(easel, who, keys)
            assert found == dict.fromkeys(found, expected), who
        await settle(easel)


async def change(easel: Easel, accounts: list[Account], **columns: object) -> None:
    async with easel.database.write() as tx:
        for account in accounts:
            row = await tx.get_one(Account, account.id)
            for name, value in columns.items():
                setattr(row, name, value)
            tx.add(row)
