"""Emoji reactions: Pleroma's EmojiReact and Misskey's Like."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from sqlmodel import select

from fedi.database.tables import Account, Reaction
from fedi.social import reactions, statuses
from tests.federation import seeing
from tests.federation.peer import Internet, Person
from tests.rig import Instance
from tests.web.reading import get


@pytest.fixture
def bob(internet: Internet) -> Person:
    return internet.person("bob")


@pytest.fixture
async def post(instance: Instance, alice: Account) -> str:
    return await seeing.publish(instance, alice)


async def counted(instance: Instance, uri: str) -> tuple[dict[tuple[str, str | None], int], int]:
    """Reactions, and favourites."""
    status = await seeing.status(instance, uri)
    assert status is not None
    async with instance.easel.database.read() as session:
        found = await reactions.of_statuses(session, [status.id])
    return dict(found.get(status.id, {})), status.favourites_count


def blob(bob: Person, name: str = ":blobcat:") -> dict[str, Any]:
    icon = {"type": "Image", "mediaType": "image/png", "url": f"{bob.origin}/blobcat.png"}
    return {"id": f"{bob.origin}/emojis/blobcat", "type": "Emoji", "name": name, "icon": icon}


async def test_an_emoji_counts_once_per_person_and_kind(
    instance: Instance, internet: Internet, alice: Account, bob: Person, post: str
) -> None:
    carol = internet.person("carol", "third")
    for person in (bob, bob, carol):
        await person.does(instance, person.activity("EmojiReact", post, content="🔥"))
    await bob.does(instance, bob.activity("EmojiReact", post, content="👩‍🚀"))
    assert await counted(instance, post) == ({("🔥", None): 2, ("👩‍🚀", None): 1}, 0)
    assert await seeing.notices(instance, alice) == ["reaction", "reaction"]


@pytest.mark.parametrize("name", [":blobcat:", ":blobcat@.:", ":blobcat@other.example:"])
async def test_a_custom_emoji_brings_its_image(
    instance: Instance, bob: Person, post: str, name: str
) -> None:
    like = bob.activity("Like", post, content=name, _misskey_reaction=name, tag=[blob(bob)])
    await bob.does(instance, like)
    image = f"{bob.origin}/blobcat.png"
    assert await counted(instance, post) == ({("blobcat", image): 1}, 0)
    await bob.does(instance, bob.activity("Undo", like))
    assert await counted(instance, post) == ({}, 0)


@pytest.mark.parametrize(
    "words", [{}, {"content": "❤"}, {"content": "❤️"}, {"content": ":gone:"}, {"content": "nice"}]
)
async def test_a_plain_like_is_a_favourite(
    instance: Instance, alice: Account, bob: Person, post: str, words: dict[str, str]
) -> None:
    like = bob.activity("Like", post, **words)
    await bob.does(instance, like)
    assert await counted(instance, post) == ({}, 1)
    assert await seeing.notices(instance, alice) == ["favourite"]
    await bob.does(instance, bob.activity("Undo", like))
    assert await counted(instance, post) == ({}, 0)


@pytest.mark.parametrize("form", ["id", "embedded", "without id"])
async def test_a_reaction_is_taken_back_and_no_other(
    instance: Instance, alice: Account, bob: Person, post: str, form: str
) -> None:
    fire = bob.activity("EmojiReact", post, content="🔥")
    await bob.does(instance, fire)
    await bob.does(instance, heart := bob.activity("EmojiReact", post, content="❤"))
    undone: Any = {
        "id": fire["id"],
        "embedded": fire,
        "without id": {name: value for name, value in fire.items() if name != "id"},
    }[form]
    await bob.does(instance, bob.activity("Undo", undone))
    assert await counted(instance, post) == ({("❤", None): 1}, 0)
    assert await seeing.notices(instance, alice) == ["reaction"]
    await bob.does(instance, bob.activity("Undo", heart))
    assert await seeing.notices(instance, alice) == []


async def test_nobody_takes_back_anothers_reaction(
    instance: Instance, internet: Internet, bob: Person, post: str
) -> None:
    fire = bob.activity("EmojiReact", post, content="🔥")
    await bob.does(instance, fire)
    for liar in (internet.person("neighbour"), internet.person("mallory", "evil")):
        for undone in (fire["id"], fire, {**fire, "actor": liar.uri}):
            await liar.send(instance, liar.activity("Undo", undone))
    await instance.run_jobs()
    assert await counted(instance, post) == ({("🔥", None): 1}, 0)


async def test_words_are_no_reaction_and_nobody_reacts_without_end(
    instance: Instance, bob: Person, post: str
) -> None:
    for words in ("nice", "<b>", "", "1", ":gone:", "🔥" * 40, None, 7, ["🔥"]):
        await bob.does(instance, bob.activity("EmojiReact", post, content=words))
    assert await counted(instance, post) == ({}, 0)
    for number in range(reactions.MAX_REACTIONS + 3):
        emoji = chr(0x1F600 + number)
        await bob.does(instance, bob.activity("EmojiReact", post, content=emoji))
    assert len((await counted(instance, post))[0]) == reactions.MAX_REACTIONS


async def test_nobody_reacts_to_what_they_may_not_see(
    instance: Instance, alice: Account, bob: Person
) -> None:
    hidden = await seeing.publish(instance, alice, visibility="private")
    await bob.does(instance, bob.activity("EmojiReact", hidden, content="🔥"))
    assert await counted(instance, hidden) == ({}, 0)


async def test_the_page_of_a_post_shows_reactions_and_loads_nothing_from_elsewhere(
    instance: Instance, browser: aiohttp.ClientSession, bob: Person, post: str
) -> None:
    await bob.does(instance, bob.activity("EmojiReact", post, content="🔥"))
    name = ":blobcat:"
    await bob.does(instance, bob.activity("EmojiReact", post, content=name, tag=[blob(bob)]))
    status = await seeing.status(instance, post)
    assert status is not None
    page = (await get(browser, status.url)).page
    shown = page.one("ul", **{"aria-label": "Reactions"})
    assert sorted(entry.text for entry in shown.all("li")) == [":blobcat: 1", "🔥 1"]
    assert bob.origin not in page.text


@pytest.mark.parametrize("how", ["EmojiReact", "Like"])
async def test_who_put_an_emoji_to_a_post_hears_that_it_is_gone(
    instance: Instance, internet: Internet, alice: Account, bob: Person, how: str
) -> None:
    uri = await seeing.publish(instance, alice)
    await bob.does(instance, bob.activity(how, uri, content="🎉"))
    await instance.run_jobs()
    internet.posted.clear()
    async with instance.easel.database.write() as tx:
        status = await statuses.load_by_uri(tx, alice, uri)
        assert status is not None
        await statuses.delete(tx, status)
    await instance.run_jobs()
    [deletion] = internet.got(bob.inbox)
    assert (deletion["type"], deletion["object"]["id"]) == ("Delete", uri)
    async with instance.easel.database.read() as session:
        assert (await session.exec(select(Reaction))).all() == []
