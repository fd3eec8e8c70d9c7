"""An instance on which somebody has a full house, for a browser to look at: nothing on its pages is
empty, and whatever others can write is hostile."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from fedi.database.tables import (
    Account,
    Archive,
    Filter,
    Import,
    ImportLine,
    Passkey,
    Status,
    UserList,
)
from fedi.social import (
    announcements,
    applications,
    blocks,
    bookmarks,
    correspondence,
    credentials,
    favourites,
    filters,
    followed_tags,
    follows,
    hiding,
    lists,
    moderation,
    mutes,
    notification_policies,
    profiles,
    reblogs,
    scheduling,
    statuses,
    text,
)
from fedi.social.for_you import choices
from fedi.social.paging import Page
from fedi.social.polls import DraftPoll
from fedi.social.profiles import Changes, Line
from fedi.social.statuses import Draft
from fedi.studio import faces
from tests.api.oauth.person import CALLBACK, join
from tests.federation.peer import Internet
from tests.rig import Instance
from tests.social.trends.acting import settle
from tests.studio.asking import ask
from tests.studio.dataset.giving import learn
from tests.web import hanging
from tests.web.test_browser import furnish_from_elsewhere
from tests.web.test_hostile import HTML, STRINGS

POLL = DraftPoll(options=["Fog", STRINGS[0]], expires_in=3600)


async def furnish(instance: Instance, internet: Internet) -> dict[str, str]:
    """Somebody (`alice`) with a full house; the pages, by names for their screenshots."""
    alice = await join(instance, display_name="Alice Marlowe")
    bob = await join(instance, "bob")
    async with instance.easel.database.write() as tx:
        row = await tx.get_one(Account, bob.id)
        row.display_name, row.note = STRINGS[-1], "<p>Hello.</p>"
        tx.add(row)
        await follows.request(tx, alice, bob)
        await follows.request(tx, bob, alice)
    shapes = [(1216, 832), (832, 1216), (1024, 1024), (1536, 640), (640, 1536), (None, None)]
    for number, (width, height) in enumerate(shapes):
        picture = await hanging.paint(instance, bob, width=width, height=height)
        words = STRINGS[number % len(STRINGS)]
        await hanging.publish(instance, bob, text=words, media_ids=[picture])
    await hanging.hang(instance, bob, text="x", spoiler_text=STRINGS[0], sensitive=True)
    picture = await hanging.paint(instance, alice, share_recipe=True, description=STRINGS[1])
    main = await hanging.publish(instance, alice, text="Morning #fog", media_ids=[picture])
    for number, hostile in enumerate(HTML[:-2]):
        sam = await hanging.stranger(instance, f"sam{number}", display_name=STRINGS[number])
        answer = await hanging.receive(instance, sam, content=hostile, in_reply_to_uri=main.uri)
    await furnish_from_elsewhere(instance, internet, main)
    async with instance.easel.database.write() as tx:
        await favourites.add(tx, bob, main)
        await reblogs.add(tx, bob, answer)
        await favourites.add(tx, alice, answer)
        await bookmarks.add(tx, alice, answer)
        await announcements.publish(tx, f"**Down** tonight. {STRINGS[1]}")
        await moderation.act(
            tx, None, await tx.get_one(Account, alice.id), "none", words=STRINGS[4]
        )
    await hanging.publish(instance, bob, text=f"@alice {STRINGS[2]}", in_reply_to_id=main.id)
    await fill_explore(instance, alice, bob, main)
    await instance.run_jobs()
    await _arrange(instance, alice)
    async with instance.easel.database.write() as tx:
        await choices.switch_on(tx, alice, choices.Tuning(warned=True))
    asking = await hanging.publish(instance, bob, text="Which?", poll=POLL)
    row, held = await _sort(instance, alice, bob)
    for words, described in ((STRINGS[0], STRINGS[1]), ("And you?", "A calm sea")):
        sent = [await hanging.paint(instance, bob, description=described)]
        await hanging.publish(
            instance, bob, text=f"@alice {words}", visibility="direct", media_ids=sent
        )
    async with instance.easel.database.read() as session:
        [talk, *_] = await correspondence.of_account(session, alice, Page(1))
    async with instance.easel.database.write() as tx:
        row_of_main = await tx.get_one(Status, main.id)
        author = await tx.get_one(Account, alice.id)
        warned = Draft(text="Evening #fog", spoiler_text=STRINGS[0], sensitive=True)
        for changed in (warned, Draft(text="Morning #fog")):
            await statuses.edit(tx, author, row_of_main, changed)
    later = await _put_off(instance, alice)
    asks, waits = await _open_up(instance, alice), await ask(instance.easel, alice, STRINGS[1])
    learned = await learn(instance, "x" * 60, alice, asked=True)
    shared = {
        f"had-{place}": await hanging.paint(instance, alice, width=640, height=400 + 100 * place)
        for place in range(1, 5)
    }
    return {
        "home": "/home",
        "home-wall": "/home?view=wall",
        "local": "/local",
        "federated": "/federated?view=posts",
        "tag": "/tags/fog",
        "own-post": f"/@alice/{main.id}",
        "remote-post": f"/@{sam.acct}/{answer.id}",
        "self": "/@alice/posts",
        "self-replies": "/@alice/replies",
        "somebody-remixes": "/@bob/remixes",
        "somebody": "/@bob",
        "somebody-remote": "/@sam0@elsewhere.example/posts",
        "notifications": "/notifications",
        "search": "/search?q=fog",
        "favourites": "/favourites",
        "bookmarks": "/bookmarks",
        "lists": "/lists",
        "explore": "/explore",
        "for-you": "/for-you",
        "for-you-posts": "/for-you?view=posts",
        "tuning": "/settings/for-you",
        "tree": f"/@alice/{main.id}/remixes",
        "compose": "/compose",
        "compose-shared": f"/compose?{urlencode({'words': STRINGS[1]} | shared)}",
        "reply": f"/compose?reply_to={answer.id}",
        "more": f"/posts/{answer.id}/more",
        "own-more": f"/posts/{main.id}/more",
        "report": f"/report?post={answer.id}",
        "settings": "/settings",
        "profile": "/settings/profile",
        "privacy": "/settings/privacy",
        "training": "/settings/training",
        "training-style": f"/settings/training/styles/{learned}",
        "filters": "/settings/filters",
        "filter-new": "/settings/filters/new",
        "filter": f"/settings/filters/{held.id}",
        "followers": "/settings/followers",
        "following": "/settings/following",
        "requests": "/settings/requests",
        "followed-tags": "/settings/tags",
        "muted": "/settings/muted",
        "blocked": "/settings/blocked",
        "domains": "/settings/domains",
        "list-feed": f"/lists/{row.id}?view=posts",
        "list": f"/lists/{row.id}/arrange",
        "lists-with": f"/people/{bob.id}/lists",
        "scheduled": "/scheduled",
        "rewriting": f"/scheduled/{later}/change",
        "messages": "/messages",
        "message-new": "/messages/new?to=%40bob",
        "conversation": f"/messages/{talk.id}",
        "edits": f"/@alice/{main.id}/edits",
        "edit": f"/compose?edit={main.id}",
        "poll": f"/@bob/{asking.id}",
        "carrying": "/settings/carrying",
        "leaving": "/settings/leaving",
        "appearance": "/settings/appearance",
        "security": "/settings/security",
        "codes": "/settings/security/codes",
        "authorize": asks,
        "studio": "/studio",
        "painting": f"/studio/{waits.id}",
        "intent-like": f"/intents/like?object={main.uri}",
        "intent-create": f"/intents/create?{urlencode({'content': STRINGS[1]})}",
        "missing": "/nothing",
    }


async def _arrange(instance: Instance, alice: Account) -> None:
    """A full profile: pictures, words, a table with hostile strings."""
    picture = await faces.store(instance.easel, "avatar", hanging.png(400, 400, "#3a6ea5"))
    header = await faces.store(instance.easel, "header", hanging.png(1500, 500, "#c9b18a"))
    lines = [Line("Site", "https://alice.example"), Line(STRINGS[2], STRINGS[1])]
    said = Changes(
        note="I draw fog.", fields=lines, avatar=picture, header=header, avatar_description="A cat"
    )
    async with instance.easel.database.write() as tx:
        row = await tx.get_one(Account, alice.id)
        await profiles.change(tx, row, said)
        row.fields = [{**row.fields[0], "verified_at": "2026-01-01T00:00:00.000Z"}, row.fields[1]]
        tx.add(row)


async def _sort(instance: Instance, alice: Account, bob: Account) -> tuple[UserList, Filter]:
    """Somebody in each of the drawers: muted, blocked, asking, set aside, on a list."""
    unseen = [
        await hanging.stranger(instance, f"una{number}", display_name=STRINGS[number])
        for number in range(2)
    ]
    carol = await join(instance, "carol", display_name=STRINGS[1])
    async with instance.easel.database.write() as tx:
        row = await tx.get_one(Account, alice.id)
        row.locked = True
        tx.add(row)
        await follows.request(tx, carol, row)
        await mutes.add(tx, alice, unseen[0], expires_at=tx.now + timedelta(days=1))
        await blocks.add(tx, alice, unseen[1])
        await followed_tags.follow(tx, row, "x" * text.MAX_TAG_LENGTH)
        await hiding.add(tx, alice, f"{'long.' * 12}example")
        await notification_policies.change(tx, alice, {"for_not_following": "filter"})
        held = await filters.create(tx, row)
        await filters.change(tx, held, title=STRINGS[3], context=filters.CONTEXTS)
        for word in (*STRINGS[:4], "ordinary"):
            await filters.add_keyword(tx, held, word, whole_word=True)
        made = await lists.create(tx, alice, STRINGS[0])
        await lists.add(tx, alice, made, [bob.id])
    await hanging.publish(instance, carol, text="@alice hello")
    await instance.run_jobs()
    return made, held


async def fill_explore(instance: Instance, alice: Account, bob: Account, main: Status) -> None:
    """Something of each kind trends, with hostile strings in it."""
    for who in (alice, bob):
        text = f"#fog https://news.example/{'long' * 30} {STRINGS[1]}"
        words = await hanging.publish(instance, who, text=text)
    for number in range(3):
        sam = await hanging.stranger(instance, f"ana{number}", display_name=STRINGS[number])
        recipe = {"share_recipe": True, "ai_prompt": STRINGS[number] * 5}
        picture = await hanging.paint(instance, bob, **recipe)
        remix = await hanging.publish(
            instance, bob, text="a remix", media_ids=[picture], based_on_uri=main.uri
        )
        async with instance.easel.database.write() as tx:
            for liked in (main, words, remix):
                await favourites.add(tx, sam, liked, f"{sam.uri}#{liked.id}")
                await favourites.add(tx, alice if liked is remix else sam, liked)
    await settle(instance.easel)


async def _put_off(instance: Instance, alice: Account) -> int:
    """Posts for later: with pictures, whose number is returned, and with a poll, which could not
    be posted."""
    pictures = [await hanging.paint(instance, alice, description=STRINGS[1]) for _ in range(2)]
    drafts = (
        Draft(text=STRINGS[-1], spoiler_text=STRINGS[0], visibility="private"),
        Draft(text=STRINGS[1], media_ids=pictures, language="de"),
        Draft(text="Which?", poll=POLL),
    )
    async with instance.easel.database.write() as tx:
        author = await tx.get_one(Account, alice.id)
        for number, draft in enumerate(drafts, 1):
            row = await scheduling.add(tx, author, draft, tx.now + timedelta(days=number))
            if draft.media_ids:
                pictured = row.id
        row.error = STRINGS[4]
        tx.add(row)
    return pictured


async def _open_up(instance: Instance, alice: Account) -> str:
    """What acts for somebody, and what they bring and take; where an app asks to act, too."""
    async with instance.easel.database.write() as tx:
        for name in (STRINGS[0], "Moss"):
            await credentials.issue_token(tx, alice, name)
        made = await applications.register(tx, STRINGS[1], [CALLBACK], scopes="read write")
        tx.add_all(
            Passkey(
                id=tx.new_id(),
                account_id=alice.id,
                credential_id=f"{number}",
                public_key="",
                name=name,
                created_at=tx.now,
            )
            for number, name in enumerate((STRINGS[0][:60], "My phone"))
        )
        brought = Import(
            id=tx.new_id(),
            account_id=alice.id,
            kind="follows",
            total=7,
            done=7,
            failed=1,
            created_at=tx.now,
            finished_at=tx.now,
        )
        tx.add_all(
            [
                brought,
                Archive(
                    id=tx.new_id(),
                    account_id=alice.id,
                    file="all.zip",
                    bytes=5_000_000,
                    created_at=tx.now,
                    finished_at=tx.now,
                ),
            ]
        )
        await tx.flush()
        entry = {"acct": f"{'long' * 30}@other.example"}
        tx.add(ImportLine(id=tx.new_id(), import_id=brought.id, entry=entry, error=STRINGS[1]))
    asked = {"response_type": "code", "client_id": made.application.client_id}
    asked |= {"redirect_uri": CALLBACK, "scope": "read write"}
    return f"/oauth/authorize?{urlencode(asked)}"
