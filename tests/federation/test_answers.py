"""The answers to posts from elsewhere: read from their servers, and never without end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from fedi.database.tables import Account
from fedi.federation import answers
from tests.api.apps import App
from tests.api.mastodon.apps import nobody
from tests.api.oauth.person import at, join
from tests.federation import seeing
from tests.federation.peer import AS2, Internet, Person
from tests.rig import Instance

Document = dict[str, Any]


@pytest.fixture
def carol(internet: Internet) -> Person:
    return internet.person("carol", "third")


def show(internet: Internet, document: Document) -> str:
    """Serve a document at its id; the id."""
    internet.show(document["id"], {"@context": AS2, **document})
    return str(document["id"])


def collection(internet: Internet, url: str, items: list[Any], **more: Any) -> str:
    return show(internet, {"id": url, "type": "Collection", "items": items, **more})


async def arrives(instance: Instance, bob: Person, note: Document) -> None:
    """A post comes, and what it leads to is done."""
    await bob.does(instance, bob.create(note))
    instance.clock.advance(answers.FRESH_AFTER)
    await instance.run_jobs()


async def here(instance: Instance, note: Document) -> bool:
    return await seeing.status(instance, note["id"]) is not None


async def test_answers_are_read_from_their_own_servers_and_put_before_nobody(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    note = bob.note()
    note["replies"] = f"{note['id']}/replies"
    answer = carol.note("<p>answer</p>", inReplyTo=note["id"], cc=[alice.uri])
    answer["replies"] = {"type": "Collection", "id": f"{answer['id']}/replies"}
    deeper = bob.note("<p>deeper</p>", inReplyTo=answer["id"])
    lie = carol.note("<p>lie</p>", inReplyTo=note["id"])
    stranger = carol.note("<p>nothing to do with it</p>")
    secret = carol.note("<p>secret</p>", inReplyTo=note["id"], to=[carol.followers], cc=[])
    for each in (answer, deeper, stranger, secret):
        show(internet, each)
    first = f"{note['id']}/replies?page=1"
    second = f"{note['id']}/replies?page=2"
    collection(internet, f"{answer['id']}/replies", [deeper["id"]])
    show(internet, {"id": note["replies"], "type": "Collection", "totalItems": 2**63 - 1,
                    "first": {"id": first, "type": "CollectionPage", "partOf": note["replies"],
                              "next": second, "items": [answer["id"]]}})  # fmt: skip
    show(internet, {"id": second, "type": "CollectionPage", "partOf": note["replies"],
                    "items": [lie, stranger["id"], secret["id"], note["id"], 7, {}]})  # fmt: skip
    await arrives(instance, bob, note)
    assert await here(instance, answer) and await here(instance, deeper)
    assert not await here(instance, lie)  # its server does not have it, whoever embeds it
    assert not await here(instance, stranger)
    assert await seeing.seen(instance, None, secret["id"]) is None
    post = await seeing.seen(instance, alice, deeper["id"])
    assert post is not None and post.in_reply_to is not None
    assert await seeing.home(instance, alice) == [note["id"]]
    assert await seeing.notices(instance, alice) == []
    assert await seeing.jobs(instance) == []


async def test_who_opens_a_post_sees_what_answered_it_since(
    instance: Instance, internet: Internet, browser: aiohttp.ClientSession, carol: Person
) -> None:
    """By an app or on its page, when it is time again; and only who is of here."""
    await join(instance)
    app = await App.of(instance, browser, "alice")
    bob = internet.person("bob")
    await seeing.befriend(instance, app.account, bob)
    note = bob.note(replies=f"{bob.uri}/replies")
    collection(internet, note["replies"], [])
    await arrives(instance, bob, note)
    first, second = (carol.note("<p>late</p>", inReplyTo=note["id"]) for _ in range(2))
    collection(internet, note["replies"], [show(internet, each) for each in (first, second)][:1])
    status = await seeing.status(instance, note["id"])
    assert status is not None
    thread = f"/api/v1/statuses/{status.id}/context"
    await app.get(thread)  # it was just read
    instance.clock.advance(answers.SOONEST)
    async with at(instance) as visitor:
        page = f"/@{bob.handle}/{status.id}"
        await visitor.get(page)
        assert (await nobody(instance, browser, app).get(thread)).status == 200
        await instance.run_jobs()
        assert not await here(instance, first) and internet.asked[note["replies"]] == 1
        await app.get(thread)
        await instance.run_jobs()
        assert await here(instance, first) and internet.asked[note["replies"]] == 2
        assert (await app.get(thread)).body["descendants"][0]["uri"] == first["id"]
        collection(internet, note["replies"], [first["id"], second["id"]])
        await visitor.sign_in("alice")
        instance.clock.advance(2 * answers.SOONEST)
        assert (await visitor.get(page)).status == 200
        await instance.run_jobs()
        assert await here(instance, second) and internet.asked[note["replies"]] == 3


async def test_the_list_of_a_thread_is_read_instead_of_many(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    context = f"{bob.origin}/contexts/1"
    root = bob.note("<p>root</p>", context=context)
    child = carol.note("<p>child</p>", inReplyTo=root["id"])
    child["replies"] = f"{child['id']}/replies"
    grandchild = bob.note("<p>grandchild</p>", inReplyTo=child["id"], context=context)
    stranger = carol.note("<p>elsewhere</p>", context=f"{carol.origin}/contexts/2")
    for each in (child, grandchild, stranger, root):
        show(internet, each)
    items = [root["id"], child["id"], grandchild["id"], stranger["id"]]
    show(internet, {"id": context, "type": "OrderedCollection", "first": f"{context}/1"})
    page = {"id": f"{context}/1", "type": "OrderedCollectionPage", "orderedItems": items}
    show(internet, page)
    await arrives(instance, bob, root)
    assert await here(instance, child) and await here(instance, grandchild)
    assert not await here(instance, stranger)
    assert internet.asked[child["replies"]] == 0
    status = await seeing.status(instance, child["id"])
    assert status is not None and status.context_uri == context
    # another post of the thread does not ask for the same list again
    late = bob.note("<p>late</p>", inReplyTo=root["id"], context=context)
    await arrives(instance, bob, late)
    assert internet.asked[context] == 1


async def test_what_a_parent_begins_is_gathered(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    root = carol.note("<p>root</p>")
    root["replies"] = f"{root['id']}/replies"
    other = carol.note("<p>other</p>", inReplyTo=root["id"])
    answer = bob.note("<p>answer</p>", inReplyTo=root["id"])
    for each in (root, other):
        show(internet, each)
    collection(internet, root["replies"], [answer["id"], other["id"]])
    await bob.does(instance, bob.create(answer))
    assert await here(instance, root) and await here(instance, other)


async def test_a_list_is_read_again_at_growing_intervals(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    note = bob.note()
    note["replies"] = f"{note['id']}/replies"
    collection(internet, note["replies"], [])
    await arrives(instance, bob, note)
    assert internet.asked[note["replies"]] == 1
    status = await seeing.status(instance, note["id"])
    assert status is not None
    waits = []
    for reading in (2, 3, 4):
        waited = timedelta()
        while internet.asked[note["replies"]] < reading:
            waited += timedelta(minutes=5)
            instance.clock.advance(timedelta(minutes=5))
            async with instance.easel.database.write() as tx:
                current = await tx.get(type(status), status.id)
                assert current is not None
                await answers.look_up(tx, current)
            await instance.run_jobs()
        waits.append(waited)
    assert waits[0] >= answers.SOONEST
    assert sorted(set(waits)) == waits or waits == sorted(waits)
    instance.clock.advance(timedelta(days=10))
    async with instance.easel.database.write() as tx:
        current = await tx.get(type(status), status.id)
        assert current is not None
        await answers.look_up(tx, current)
    await instance.run_jobs()
    instance.clock.advance(timedelta(days=4))
    async with instance.easel.database.write() as tx:
        current = await tx.get(type(status), status.id)
        assert current is not None
        await answers.look_up(tx, current)
    await instance.run_jobs()
    assert internet.asked[note["replies"]] == 5


# ---- lists that would never end -----------------------------------------------------------------


def endless(internet: Internet, note: Document, carol: Person) -> None:
    """Each page has a next one."""

    def page(request: web.Request) -> web.StreamResponse:
        url = f"http://{request.host}{request.path_qs}"
        n = int(request.query.get("page", "0"))
        internet.pages[f"{note['replies']}?page={n + 1}"] = page
        document = {
            "@context": AS2, "id": url, "type": "OrderedCollectionPage",
            "next": f"{note['replies']}?page={n + 1}",
            "orderedItems": [f"{carol.origin}/missing/{n}/{i}" for i in range(50)],
        }  # fmt: skip
        return web.json_response(document, content_type="application/activity+json")

    internet.pages[note["replies"]] = page


def itself(internet: Internet, note: Document, carol: Person) -> None:
    """The first page is the collection."""
    show(internet, {"id": note["replies"], "type": "Collection", "first": note["replies"]})


def huge(internet: Internet, note: Document, carol: Person) -> None:
    """More members than a number can say."""
    collection(internet, note["replies"], [], totalItems=2**63)


def circle(internet: Internet, note: Document, carol: Person) -> None:
    """Two pages that are each other's next, and list the post itself."""
    for n in (0, 1):
        show(internet, {"id": f"{note['replies']}?page={n}", "type": "CollectionPage",
                        "items": [note["id"]],
                        "next": f"{note['replies']}?page={1 - n}"})  # fmt: skip
    show(internet, {"id": note["replies"], "type": "Collection",
                    "first": f"{note['replies']}?page=0"})  # fmt: skip


def wide(internet: Internet, note: Document, carol: Person) -> None:
    """Members on a thousand hosts."""
    collection(internet, note["replies"], [
        f"http://{internet.host(f'host-{n}')}/notes/1" for n in range(1000)
    ])  # fmt: skip


def deep(internet: Internet, note: Document, carol: Person) -> None:
    """Each answer has an answer."""
    above = note
    for _ in range(30):
        answer = carol.note(inReplyTo=above["id"])
        answer["replies"] = f"{answer['id']}/replies"
        show(internet, answer)
        collection(internet, above["replies"], [answer["id"]])
        above = answer


def elsewhere(internet: Internet, note: Document, carol: Person) -> None:
    """The next page is on another server, the collection says that it is another."""
    show(internet, {"id": note["replies"], "type": "Collection", "items": [],
                    "first": f"{carol.origin}/target"})  # fmt: skip
    show(internet, {"id": f"{carol.origin}/target", "type": "CollectionPage", "items": []})


def nonsense(internet: Internet, note: Document, carol: Person) -> None:
    """No collection at all."""
    show(internet, {"id": note["replies"], "type": ["Collection"], "items": {"a": [[]]},
                    "first": [1, {"type": 3}], "totalItems": "many"})  # fmt: skip


@pytest.mark.parametrize(
    "trap",
    [endless, itself, huge, circle, wide, deep, elsewhere, nonsense],
    ids=lambda f: f.__name__,
)
async def test_a_list_without_end_costs_little(
    instance: Instance,
    internet: Internet,
    alice: Account,
    bob: Person,
    carol: Person,
    trap: Callable[[Internet, Document, Person], None],
) -> None:
    note = bob.note()
    note["replies"] = f"{note['id']}/replies"
    trap(internet, note, carol)
    internet.asked.clear()
    await arrives(instance, bob, note)
    finger = "/.well-known/webfinger"
    asked = {url: n for url, n in internet.asked.items() if finger not in url}
    assert max(asked.values()) == 1
    assert sum(asked.values()) <= answers.MAX_PAGES + answers.MAX_POSTS + 2  # and two actors
    hosts = {url.split("/")[2] for url in asked}
    assert len(hosts) <= answers.MAX_HOSTS + 1
    assert internet.asked[f"{carol.origin}/target"] == 0
    assert await seeing.jobs(instance) == []


async def test_answers_to_answers_are_read_to_a_depth(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    note = bob.note()
    note["replies"] = f"{note['id']}/replies"
    deep(internet, note, carol)
    await arrives(instance, bob, note)
    read = [url for url in internet.asked if url.startswith(f"{carol.uri}/notes/")]
    posts = [url for url in read if not url.endswith("/replies")]
    assert len(posts) == answers.MAX_DEPTH
