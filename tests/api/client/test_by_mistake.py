"""What an app does not do by mistake: say more, or to more people, than its author meant."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import col, select

from fedi.database.tables import Follow, Login, OutboxActivity, Report, Status
from fedi.social import blocks, follows, statuses
from tests import rig
from tests.api.apps import PUBLIC, App
from tests.api.client.posting import done, heard, nobody, note, outbox, posted, read
from tests.federation.peer import Person


async def all_of(app: App, table: Any, *conditions: Any) -> list[Any]:
    async with app.instance.easel.database.read() as session:
        return list(await session.exec(select(table).where(*conditions)))


async def test_what_something_is_done_to_does_not_say_for_whom_it_is(
    alice: App, bob: App, carol: Person
) -> None:
    uri = await posted(bob, content="for everybody")
    whole = (await read(bob, uri)).body  # as apps embed it
    assert PUBLIC in whole["to"]
    disliked = await done(alice, {"type": "Dislike", "object": whole})
    assert disliked["to"] == [bob.account.uri] and "cc" not in disliked
    offered = await done(alice, {"type": "Offer", "to": [bob.account.uri], "object": whole})
    assert offered["to"] == [bob.account.uri] and "cc" not in offered
    for made in (disliked, offered):
        assert (await read(nobody(alice), made["id"])).status == 404
    assert await heard(alice, carol) == []
    boosted = await done(
        alice, {"type": "Announce", "to": [alice.account.followers_uri], "object": whole}
    )
    assert PUBLIC not in [*boosted["to"], *boosted.get("cc", [])]


async def test_a_report_is_passed_on_only_if_it_is_addressed_there(
    instance: rig.Instance, alice: App, carol: Person
) -> None:
    theirs = carol.note("about me", to=[PUBLIC, carol.uri], cc=[alice.account.uri])
    await carol.does(instance, carol.activity("Create", theirs))
    await done(alice, {"type": "Flag", "object": theirs, "content": "Spam"})
    [report] = await all_of(alice, Report)
    assert not report.forwarded


async def test_a_boost_is_for_followers_at_least(alice: App, bob: App, carol: Person) -> None:
    uri = await posted(bob)
    refused = await alice.submit({"type": "Announce", "to": [bob.account.uri], "object": uri})
    assert refused.status == 422 and await heard(alice, carol) == []


async def test_how_somebody_usually_posts_holds_for_apps_as_well(alice: App) -> None:
    async with alice.instance.easel.database.write() as tx:
        login = await tx.get_one(Login, alice.account.id)
        login.preferences = {
            "posting:default:quote_policy": "nobody",
            "posting:default:language": "de",
            "posting:default:sensitive": True,
        }
        tx.add(login)
    made = (await done(alice, note()))["object"]
    assert PUBLIC not in made["interactionPolicy"]["canQuote"].get("automaticApproval", [])
    assert made["sensitive"] is True and "de" in made["contentMap"]
    open_ = {"canQuote": {"automaticApproval": [PUBLIC]}}
    made = (await done(alice, note(sensitive=False, interactionPolicy=open_)))["object"]
    assert PUBLIC in made["interactionPolicy"]["canQuote"]["automaticApproval"]
    assert not made.get("sensitive")


async def test_what_lasts_is_not_undone(
    instance: rig.Instance, alice: App, bob: App, carol: Person
) -> None:
    async with instance.easel.database.write() as tx:
        author = await tx.get_one(type(alice.account), alice.account.id)
        author.locked = True
        tx.add(author)
    dave = carol.internet.person("dave")
    asked = dave.activity("Follow", alice.account.uri)
    await dave.does(instance, asked)
    accepted = await done(alice, {"type": "Accept", "object": asked["id"]})
    await heard(alice, dave)
    assert (await alice.submit({"type": "Undo", "object": accepted["id"]})).status == 422
    assert await heard(alice, dave) == []
    rows = await all_of(alice, Follow, Follow.target_account_id == alice.account.id)
    assert {row.state for row in rows} == {follows.ACCEPTED}


async def test_a_quote_that_is_refused_publishes_nothing(alice: App, bob: App) -> None:
    first, second = await posted(bob), await posted(bob)
    before = len(await all_of(alice, Status))
    quoting = note("look", quote=first)
    refused = await alice.submit({"type": "QuoteRequest", "object": second, "instrument": quoting})
    assert refused.status == 422
    boost = (await done(alice, {"type": "Announce", "object": first}))["id"]
    refused = await alice.submit(
        {"type": "QuoteRequest", "object": boost, "instrument": note("look")}
    )
    assert refused.status == 422
    assert len(await all_of(alice, Status)) == before + 1  # the boost


async def test_nothing_of_others_stands_embedded_at_an_address_of_ours(
    alice: App, bob: App
) -> None:
    forged = {"type": "Note", "id": await posted(bob), "attributedTo": bob.account.uri,
              "content": "forged", "to": [PUBLIC]}  # fmt: skip
    shelf = {"type": "Shelf", "to": [PUBLIC], "holds": [forged, {"type": "Place", "at": forged}]}
    made = (await done(alice, shelf))["object"]
    shown = (await read(nobody(alice), made["id"])).body
    assert shown["holds"] == [forged["id"], {"type": "Place", "at": forged["id"]}]
    collection = {"type": "OrderedCollection", "to": [PUBLIC], "orderedItems": [forged]}
    made = (await done(alice, {**collection, "first": {"orderedItems": [forged]}}))["object"]
    assert "forged" not in str(made)
    shown = (await read(nobody(alice), f"{made['id']}?page=true")).body
    assert shown["orderedItems"] == [forged["id"]]


async def test_a_dislike_is_one_however_often_it_is_sent(
    instance: rig.Instance, alice: App, carol: Person
) -> None:
    theirs = carol.note("hm", to=[PUBLIC, alice.account.uri])
    await carol.does(instance, carol.activity("Create", theirs))
    dislike = {"type": "Dislike", "object": theirs["id"]}
    first = await done(alice, dislike)
    assert len(await heard(alice, carol)) == 1
    assert (await done(alice, dislike))["id"] == first["id"]
    assert await heard(alice, carol) == []
    assert [one["id"] for one in await outbox(alice) if one["type"] == "Dislike"] == [first["id"]]


async def test_who_is_blocked_reads_no_more_of_what_was_for_them(alice: App, bob: App) -> None:
    made = await done(alice, {"type": "Offer", "to": [bob.account.uri], "object": "urn:x:1"})
    assert (await read(bob, made["id"])).status == 200
    async with alice.instance.easel.database.write() as tx:
        await blocks.add(tx, alice.account, bob.account)
    assert (await read(bob, made["id"])).status == 404


@pytest.mark.parametrize("type_", ["Note", "Article"])
async def test_pictures_are_counted_before_they_are_looked_for(alice: App, type_: str) -> None:
    many = [{"type": "Image", "url": f"{alice.instance.url}/media/x"}] * 2000
    refused = await alice.submit(note(type=type_, attachment=many))
    assert refused.status == 422 and "pictures" in refused.body["error"]
    uri = await posted(alice)
    refused = await alice.submit({"type": "Update", "object": {"id": uri, "attachment": many}})
    assert refused.status == 422
    async with alice.instance.easel.database.read() as session:
        kept = await session.exec(select(OutboxActivity).where(col(OutboxActivity.id) > 0))
        assert [row for row in kept if row.type == "Update"] == []
        assert await statuses.load_by_uri(session, alice.account, uri) is not None
