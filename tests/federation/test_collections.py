"""Collections: walked while they grow, and partial to those who may see more."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from fedi.database.tables import Account, Pin
from fedi.social import accounts, favourites, featured_tags, statuses
from fedi.social.errors import Invalid, NotFound
from tests.federation import seeing
from tests.federation.peer import PUBLIC, Internet, Person
from tests.federation.reading import document, listed, listed_for, read
from tests.rig import Instance

Browser = aiohttp.ClientSession
PAGE = 20


@pytest.fixture
async def bob(instance: Instance, internet: Internet, alice: Account) -> Person:
    """Somebody elsewhere who follows alice."""
    bob = internet.person("bob")
    await bob.does(instance, bob.activity("Follow", alice.uri))
    return bob


async def answered(instance: Instance, author: Account, uri: str, **draft: Any) -> str:
    """A local answer to a post; its id."""
    status = await seeing.status(instance, uri)
    assert status is not None
    return await seeing.publish(
        instance, author, draft.pop("text", "answer"), in_reply_to_id=status.id, **draft
    )


def members(page: dict[str, Any]) -> list[Any]:
    found = page.get("orderedItems", page.get("items"))
    assert isinstance(found, list)
    return [item if isinstance(item, str) else item["object"]["id"] for item in found]


# ---- pages --------------------------------------------------------------------------------------

Add = Callable[[str], Awaitable[str]]


@pytest.mark.parametrize("name", ["outbox", "context", "replies"])
async def test_who_walks_through_a_growing_collection_meets_each_member_once(
    instance: Instance, browser: Browser, alice: Account, name: str
) -> None:
    newest_first = name == "outbox"
    root = await seeing.publish(instance, alice, "root")
    url = f"{alice.uri}/outbox" if newest_first else f"{root}/{name}"

    async def add(text: str) -> str:
        instance.clock.advance(timedelta(seconds=1))
        if newest_first:
            return await seeing.publish(instance, alice, text)
        return await answered(instance, alice, root, text=text)

    old = [] if name == "replies" else [root]
    old += [await add(f"old {n}") for n in range(2 * PAGE + 3)]
    whole = await document(browser, url)
    assert whole["totalItems"] == len(old)
    first = whole["first"]
    page = await document(browser, first) if isinstance(first, str) else first
    seen = members(page)
    assert "prev" not in page and len(seen) == PAGE
    pages, new = [page], []
    while "next" in page:
        new.append(await add(f"new {len(new)}"))
        back = page
        page = await document(browser, page["next"])
        assert members(await document(browser, page["prev"]))[-1] == members(back)[-1]
        pages.append(page)
        seen += members(page)
    assert len(seen) == len(set(seen))
    assert [uri for uri in seen if uri in old] == (old[::-1] if newest_first else old)
    everything = [*old, *new]
    # from the end backwards, everything is met, and the first page knows no other before it
    page = await document(browser, whole["last"])
    assert "next" not in page
    backwards = members(page)
    while "prev" in page:
        page = await document(browser, page["prev"])
        backwards = members(page) + backwards
    assert backwards == (everything[::-1] if newest_first else everything)


async def test_the_walk_ends_where_a_page_is_just_full(
    instance: Instance, browser: Browser, alice: Account
) -> None:
    for n in range(PAGE):
        await seeing.publish(instance, alice, str(n))
    page = await document(browser, f"{alice.uri}/outbox?page=true")
    assert len(page["orderedItems"]) == PAGE
    assert "next" not in page and "prev" not in page
    behind = await document(browser, f"{alice.uri}/outbox?page=true&max_id=1")
    assert behind["orderedItems"] == [] and "next" not in behind and "prev" not in behind


async def test_many_pinned_posts_are_paged(
    instance: Instance, browser: Browser, alice: Account
) -> None:
    pinned = []
    for n in range(PAGE + 2):
        instance.clock.advance(timedelta(seconds=1))
        pinned.append(await seeing.publish(instance, alice, str(n)))
        async with instance.easel.database.write() as tx:
            status = await statuses.load_by_uri(tx, alice, pinned[-1])
            assert status is not None
            tx.add(Pin(id=tx.new_id(), account_id=alice.id, status_id=status.id, created_at=tx.now))
    total, items = await listed(browser, f"{alice.uri}/collections/featured")
    assert total == len(pinned)
    assert [item["id"] for item in items] == pinned[::-1]


# ---- who may see what ---------------------------------------------------------------------------


async def test_a_follower_finds_more_and_nobody_else_learns_of_it(
    instance: Instance, internet: Internet, browser: Browser, alice: Account, bob: Person
) -> None:
    carol = internet.person("carol", "third")
    root = await seeing.publish(instance, alice, "root")
    shown = await answered(instance, alice, root)
    collections = [f"{alice.uri}/outbox", f"{root}/replies", f"{root}/context"]
    everything = [*collections, *(f"{url}?page=true" for url in collections)]
    before = [(await read(browser, url))[:2] for url in everything]
    hidden = await answered(instance, alice, root, visibility="private", text="between us")
    deep = await answered(instance, alice, hidden, visibility="private", text="deeper")
    direct = await answered(instance, alice, root, visibility="direct", text="@alice note")

    assert [(await read(browser, url))[:2] for url in everything] == before
    assert [await carol.get(url) for url in everything] == before

    total, items = await listed_for(bob, f"{alice.uri}/outbox")
    assert [item["object"]["id"] for item in items] == [deep, hidden, shown, root]
    assert total == 4
    assert await listed_for(bob, f"{root}/replies") == (2, [shown, hidden])
    assert await listed_for(bob, f"{root}/context") == (4, [root, shown, hidden, deep])
    assert direct not in json.dumps(items)

    headers = {**bob.signature("GET", f"{root}/context"), "Accept": "application/activity+json"}
    async with browser.get(f"{root}/context", headers=headers) as answer:
        assert "no-store" in answer.headers["Cache-Control"]


async def test_likes_are_between_who_likes_and_who_is_liked(
    instance: Instance, internet: Internet, browser: Browser, alice: Account, bob: Person
) -> None:
    carol = internet.person("carol", "third")
    asked = await seeing.follow(instance, alice, bob.handle)
    await bob.does(instance, bob.activity("Accept", asked))
    mine = bob.note(cc=[alice.uri])
    theirs = carol.note(cc=[alice.uri], tag={"type": "Mention", "href": alice.uri})
    await bob.does(instance, bob.create(mine))
    await carol.does(instance, carol.create(theirs))
    async with instance.easel.database.write() as tx:
        for note in (mine, theirs):
            status = await statuses.load_by_uri(tx, alice, note["id"])
            assert status is not None
            await favourites.add(tx, alice, status)
    url = f"{alice.uri}/liked"
    assert await listed_for(bob, url) == (1, [mine["id"]])
    assert await listed_for(carol, url) == (1, [theirs["id"]])
    whole = await document(browser, url)
    assert set(whole) == {"@context", "id", "type"}
    assert set(await document(browser, url)) == set((await read(browser, f"{url}?page=true"))[1])


async def test_hashtags_are_featured(
    instance: Instance, internet: Internet, browser: Browser, alice: Account, bob: Person
) -> None:
    await instance.run_jobs()
    internet.posted.clear()
    async with instance.easel.database.write() as tx:
        await featured_tags.add(tx, alice, "#OilPainting")
        await featured_tags.add(tx, alice, "oilpainting")
        await featured_tags.add(tx, alice, "fox")
    await instance.run_jobs()
    assert {activity["type"] for activity in internet.got(bob.inbox)} == {"Add", "Update"}
    url = f"{alice.uri}/collections/tags"
    whole = await document(browser, url)
    assert whole["totalItems"] == 2
    assert whole["items"] == [
        {"type": "Hashtag", "name": "#OilPainting", "href": f"{instance.url}/tags/oilpainting"},
        {"type": "Hashtag", "name": "#fox", "href": f"{instance.url}/tags/fox"},
    ]
    async with instance.easel.database.write() as tx:
        await featured_tags.remove(tx, alice, "#OILPAINTING")
        with pytest.raises(NotFound):
            await featured_tags.remove(tx, alice, "oilpainting")
        for word in ("", "#", "12", "two words", "a-b", "a" * 200, "<b>"):
            with pytest.raises(Invalid):
                await featured_tags.add(tx, alice, word)
        for n in range(featured_tags.MAX_FEATURED - 1):
            await featured_tags.add(tx, alice, f"tag{n}")
        with pytest.raises(Invalid):
            await featured_tags.add(tx, alice, "onemore")
    assert (await document(browser, url))["totalItems"] == featured_tags.MAX_FEATURED
    async with instance.easel.database.write() as tx:
        account = await accounts.find_local(tx, "alice")
        assert account is not None
        await accounts.delete_account(tx, account)
    assert (await read(browser, url))[0] == 410


# ---- threads ------------------------------------------------------------------------------------


async def test_a_thread_is_one_collection_wherever_its_answers_come_from(
    instance: Instance, internet: Internet, browser: Browser, alice: Account, bob: Person
) -> None:
    root = await seeing.publish(instance, alice, "root")
    other = await seeing.publish(instance, alice, "another thread")
    context = f"{root}/context"
    assert (await document(browser, root))["context"] == context
    child = bob.note("<p>child</p>", inReplyTo=root, cc=[alice.uri])
    grandchild = bob.note("<p>grandchild</p>", inReplyTo=child["id"], cc=[alice.uri])
    leaf = bob.note("<p>leaf</p>", inReplyTo=grandchild["id"], cc=[alice.uri])
    # nobody is in a thread of ours by their own word
    spam = bob.note("<p>buy</p>", context=context, cc=[alice.uri])
    for note in (leaf, grandchild, spam):  # in whatever order they come
        await bob.does(instance, bob.create(note))
    assert (await listed(browser, context))[1] == [root]
    internet.show(child["id"], {"@context": "https://www.w3.org/ns/activitystreams", **child})
    await bob.does(instance, bob.create(child))
    answer = await answered(instance, alice, leaf["id"])
    total, items = await listed(browser, context)
    assert total == 5
    assert sorted(items) == sorted([root, child["id"], grandchild["id"], leaf["id"], answer])
    assert (await document(browser, answer))["context"] == context
    assert (await document(browser, context))["attributedTo"] == alice.uri
    assert (await listed(browser, f"{other}/context"))[1] == [other]
    # only the beginning of a thread has its collection
    status, error, _ = await read(browser, f"{answer}/context")
    assert status == 404 and error["error"]


async def test_an_answer_here_is_in_the_thread_that_began_elsewhere(
    instance: Instance, browser: Browser, alice: Account, bob: Person
) -> None:
    context = f"{bob.origin}/contexts/1"
    asked = await seeing.follow(instance, alice, bob.handle)
    await bob.does(instance, bob.activity("Accept", asked))
    note = bob.note(context=context)
    plain = bob.note(context="tag:peer,2026:not-an-address")
    for each in (note, plain):
        await bob.does(instance, bob.create(each))
    answer = await answered(instance, alice, note["id"])
    assert (await document(browser, answer))["context"] == context
    answer = await answered(instance, alice, plain["id"])
    assert "context" not in await document(browser, answer)
    create = await document(browser, f"{answer}/activity")
    assert create["to"] == [PUBLIC]
