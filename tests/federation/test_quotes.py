"""Quote posts (FEP-044f): ours that others quote with leave, and theirs that we are shown."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from fedi.database.tables import Account, Quote
from fedi.social import blocks, quotes, statuses
from fedi.social.errors import NotFound
from tests.federation import seeing
from tests.federation.peer import AS2, PUBLIC, Document, Internet, Person
from tests.rig import Instance


@pytest.fixture
def carol(internet: Internet) -> Person:
    """Somebody on a third server."""
    return internet.person("carol", "third")


def request(bob: Person, quoted: str, note: Document) -> Document:
    return bob.activity("QuoteRequest", quoted, instrument=note)


async def asked(instance: Instance, bob: Person, quoted: str, note: Document) -> Document:
    """The answer to a QuoteRequest."""
    await bob.does(instance, request(bob, quoted, note))
    return bob.internet.got(bob.inbox)[-1]


async def state(instance: Instance, uri: str) -> str | None:
    status = await seeing.status(instance, uri)
    assert status is not None
    async with instance.easel.database.read() as session:
        found = (await session.exec(select(Quote).where(Quote.status_id == status.id))).first()
    return found.state if found is not None else None


async def test_who_asks_gets_a_stamp_that_everybody_can_read(
    instance: Instance, internet: Internet, alice: Account, bob: Person, carol: Person
) -> None:
    quoted = await seeing.publish(instance, alice)
    note = bob.note(quote=quoted)
    answer = await asked(instance, bob, quoted, note)
    assert (answer["type"], answer["actor"], answer["to"]) == ("Accept", alice.uri, [bob.uri])
    assert answer["object"]["type"] == "QuoteRequest"
    assert answer["object"]["instrument"] == note["id"]
    status, stamp = await carol.get(answer["result"])
    assert status == 200
    assert stamp.pop("@context")
    assert stamp == {
        "id": answer["result"],
        "type": "QuoteAuthorization",
        "attributedTo": alice.uri,
        "interactingObject": note["id"],
        "interactionTarget": quoted,
    }
    again = await asked(instance, bob, quoted, note)
    assert again["result"] == answer["result"]
    await bob.does(instance, bob.create({**note, "quoteAuthorization": answer["result"]}))
    assert await state(instance, note["id"]) == "accepted"
    assert await seeing.notices(instance, alice) == ["quote"]


@pytest.mark.parametrize("quoters", ["nobody", "followers", "public", "private", "blocked"])
async def test_the_author_decides_who_may_quote(
    instance: Instance, alice: Account, bob: Person, quoters: str
) -> None:
    allowed = {"nobody": alice.uri, "followers": alice.followers_uri, "public": PUBLIC}
    private = quoters == "private"
    quoted = await seeing.publish(
        instance,
        alice,
        quoters=quoters if quoters in allowed else "public",
        visibility="private" if private else "public",
    )
    await bob.does(instance, bob.activity("Follow", alice.uri))
    if quoters == "blocked":
        async with instance.easel.database.write() as tx:
            await blocks.add(tx, alice, await seeing.known(instance, bob.uri))
        await instance.run_jobs()
    policy = (await bob.get(quoted))[1].get("interactionPolicy", {}).get("canQuote")
    if quoters != "blocked":
        wanted = allowed.get(quoters, alice.uri)
        assert policy == {"automaticApproval": [wanted], "manualApproval": []}
    bob.internet.posted.clear()
    await bob.does(instance, request(bob, quoted, bob.note(quote=quoted)))
    answers = [sent["type"] for sent in bob.internet.got(bob.inbox)]
    expected = {"nobody": ["Reject"], "private": ["Reject"], "blocked": []}
    assert answers == expected.get(quoters, ["Accept"])


async def test_who_is_no_follower_may_not_quote_what_is_for_followers_to_quote(
    instance: Instance, alice: Account, bob: Person
) -> None:
    quoted = await seeing.publish(instance, alice, quoters="followers")
    answer = await asked(instance, bob, quoted, bob.note(quote=quoted))
    assert (answer["type"], answer.get("result")) == ("Reject", None)


async def test_a_stamp_is_taken_back(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    quoted = await seeing.publish(instance, alice)
    note = bob.note(quote=quoted)
    stamp = (await asked(instance, bob, quoted, note))["result"]
    await bob.does(instance, bob.create({**note, "quoteAuthorization": stamp}))
    internet.posted.clear()
    async with instance.easel.database.write() as tx:
        await quotes.revoke(tx, alice, note["id"])
        with pytest.raises(NotFound):
            await quotes.revoke(tx, alice, note["id"])
    await instance.run_jobs()
    [delete] = internet.got(bob.inbox)
    assert (delete["type"], delete["object"]["id"]) == ("Delete", stamp)
    assert delete["object"]["formerType"] == "QuoteAuthorization"
    assert (await bob.get(stamp))[0] == 404
    assert await state(instance, note["id"]) == "revoked"
    assert (await asked(instance, bob, quoted, note))["type"] == "Reject"


async def test_a_stamp_ends_with_its_post(instance: Instance, alice: Account, bob: Person) -> None:
    quoted = await seeing.publish(instance, alice)
    stamp = (await asked(instance, bob, quoted, bob.note(quote=quoted)))["result"]
    async with instance.easel.database.write() as tx:
        status = await statuses.load_by_uri(tx, alice, quoted)
        assert status is not None
        await statuses.delete(tx, status)
    assert (await bob.get(stamp))[0] == 404
    for key in ("0", "x", "9" * 30, "%00"):
        assert (await bob.get(f"{alice.uri}/stamps/{key}"))[0] in {400, 404}


async def test_nobody_asks_in_anothers_name(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    quoted = await seeing.publish(instance, alice)
    mallory = internet.person("mallory", "evil")
    note = bob.note(quote=quoted)
    assert await mallory.send(instance, request(mallory, quoted, note)) == 403
    stamp = (await asked(instance, bob, quoted, note))["result"]
    for thief in (mallory, bob):
        stolen = thief.note(quote=quoted, quoteAuthorization=stamp)
        await thief.does(instance, thief.create(stolen))
        assert await state(instance, stolen["id"]) == "pending"
    other = await seeing.publish(instance, alice)
    await bob.does(instance, bob.create({**note, "quote": other, "quoteAuthorization": stamp}))
    assert await state(instance, note["id"]) == "pending"


@pytest.mark.parametrize("name", ["quote", "_misskey_quote", "quoteUrl", "quoteUri", "tag"])
async def test_a_quote_without_leave_waits(
    instance: Instance, internet: Internet, bob: Person, carol: Person, name: str
) -> None:
    quoted = carol.note()
    internet.show(quoted["id"], {"@context": AS2, **quoted})
    link: Any = quoted["id"]
    if name == "tag":
        link = [
            {
                "type": "Link",
                "mediaType": f'application/ld+json; profile="{AS2}"',
                "rel": "https://misskey-hub.net/ns#_misskey_quote",
                "href": quoted["id"],
            }
        ]
    note = bob.note(**{name: link})
    await bob.does(instance, bob.create(note))
    assert await state(instance, note["id"]) == "pending"
    assert await seeing.status(instance, quoted["id"]) is not None


async def test_who_quotes_themselves_needs_no_leave(instance: Instance, bob: Person) -> None:
    quoted = bob.note()
    await bob.does(instance, bob.create(quoted))
    note = bob.note(quote=quoted["id"])
    await bob.does(instance, bob.create(note))
    assert await state(instance, note["id"]) == "accepted"


def stamped(internet: Internet, carol: Person, quoted: Document, note: Document) -> Document:
    """A stamp of carol's, which is served."""
    stamp = {
        "@context": AS2,
        "id": f"{carol.uri}/stamps/1",
        "type": "QuoteAuthorization",
        "attributedTo": carol.uri,
        "interactingObject": note["id"],
        "interactionTarget": quoted["id"],
    }
    internet.show(quoted["id"], {"@context": AS2, **quoted})
    internet.show(stamp["id"], stamp)
    return stamp


async def test_a_good_stamp_is_leave_until_its_author_takes_it_back(
    instance: Instance, internet: Internet, bob: Person, carol: Person
) -> None:
    quoted, note = carol.note(), bob.note()
    stamp = stamped(internet, carol, quoted, note)
    note |= {"quote": quoted["id"], "quoteAuthorization": stamp["id"]}
    await bob.does(instance, bob.create(note))
    assert await state(instance, note["id"]) == "accepted"
    for liar in (bob, internet.person("neighbour", "third")):
        await liar.send(instance, liar.activity("Delete", stamp["id"]))
    await instance.run_jobs()
    assert await state(instance, note["id"]) == "accepted"
    await carol.does(instance, carol.activity("Delete", stamp["id"]))
    assert await state(instance, note["id"]) == "revoked"


@pytest.mark.parametrize(
    "lie",
    [
        {"interactingObject": "http://third.localhost/other"},
        {"interactionTarget": "http://third.localhost/other"},
        {"attributedTo": "http://third.localhost/users/dave"},
        {"type": "LikeApproval"},
        {"attributedTo": None},
        {"id": None},
    ],
    ids=str,
)
async def test_a_stamp_for_something_else_is_no_leave(
    instance: Instance, internet: Internet, bob: Person, carol: Person, lie: dict[str, Any]
) -> None:
    quoted, note = carol.note(), bob.note()
    stamp = stamped(internet, carol, quoted, note)
    changed = {name: value for name, value in {**stamp, **lie}.items() if value is not None}
    internet.show(stamp["id"], changed)
    note |= {"quote": quoted["id"], "quoteAuthorization": stamp["id"]}
    await bob.does(instance, bob.create(note))
    assert await state(instance, note["id"]) == "pending"


async def test_a_stamp_from_another_server_is_not_even_read(
    instance: Instance, internet: Internet, bob: Person, carol: Person
) -> None:
    quoted, note = carol.note(), bob.note()
    stamp = {**stamped(internet, carol, quoted, note), "id": f"{bob.uri}/stamps/1"}
    internet.show(stamp["id"], stamp)
    note |= {"quote": quoted["id"], "quoteAuthorization": stamp["id"]}
    await bob.does(instance, bob.create(note))
    assert await state(instance, note["id"]) == "pending"
    assert internet.asked[stamp["id"]] == 0


async def test_leave_that_comes_later_counts(
    instance: Instance, internet: Internet, bob: Person, carol: Person
) -> None:
    quoted, note = carol.note(), bob.note()
    stamp = stamped(internet, carol, quoted, note)
    note |= {"quote": quoted["id"]}
    await bob.does(instance, bob.create(note))
    assert await state(instance, note["id"]) == "pending"
    await bob.does(instance, bob.activity("Update", {**note, "quoteAuthorization": stamp["id"]}))
    assert await state(instance, note["id"]) == "accepted"
    changed = await seeing.status(instance, note["id"])
    assert changed is not None and changed.edited_at is None
    del note["quote"]
    await bob.does(instance, bob.activity("Update", note))
    assert await state(instance, note["id"]) is None
