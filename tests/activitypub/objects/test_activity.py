"""Activities, collections and tombstones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from activitypub import origin
from activitypub.addressing import PUBLIC
from activitypub.errors import Malformed
from activitypub.objects import Activity, Collection, CollectionPage, Note, Tombstone, activity

ALICE = "https://a.example/users/alice"
BOB = "https://b.example/users/bob"
FOLLOWERS = f"{ALICE}/followers"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOTE = Note(
    id=f"{ALICE}/statuses/1",
    attributed_to=ALICE,
    content="x",
    published=NOW,
    updated=NOW,
    to=(PUBLIC,),
    cc=(FOLLOWERS,),
)
ID = f"{ALICE}#1"
QUOTE_REQUEST = Activity(
    id=f"{BOB}/requests/1",
    type="QuoteRequest",
    actor=BOB,
    object_id=f"{ALICE}/statuses/1",
    instrument=f"{BOB}/statuses/1",
)

BUILT = [
    activity.create(ID, ALICE, NOTE.document()),
    activity.update(ID, ALICE, NOTE.document()),
    activity.update(ID, ALICE, {"id": ALICE, "type": "Person"}, to=[PUBLIC], cc=[FOLLOWERS]),
    activity.delete(ID, ALICE, f"{ALICE}/statuses/1", to=[PUBLIC], former_type="Note", deleted=NOW),
    activity.delete(ID, ALICE, ALICE, to=[PUBLIC]),
    activity.follow(ID, ALICE, BOB),
    activity.accept(ID, ALICE, f"{BOB}#follow", BOB),
    activity.reject(ID, ALICE, f"{BOB}#follow", BOB),
    activity.announce(ID, ALICE, f"{BOB}/1", to=[PUBLIC], cc=[FOLLOWERS, BOB], published=NOW),
    activity.like(ID, ALICE, f"{BOB}/1", to=[BOB]),
    activity.block(ID, ALICE, BOB),
    activity.move(ID, ALICE, BOB, to=[FOLLOWERS]),
    activity.flag(ID, ALICE, [BOB, f"{BOB}/1"], "spam"),
    activity.flag(ID, ALICE, [BOB], "spam"),
    activity.answer_quote(ID, ALICE, QUOTE_REQUEST, stamp=f"{ALICE}/stamps/1"),
    activity.answer_quote(ID, ALICE, QUOTE_REQUEST, stamp=None, reject=True),
    activity.undo(f"{ID}/undo", activity.follow(ID, ALICE, BOB)),
    activity.undo(f"{ID}/undo", activity.announce(ID, ALICE, f"{BOB}/1", to=[PUBLIC])),
]


@pytest.mark.parametrize("built", BUILT, ids=lambda built: str(built.type))
def test_what_is_written_is_read_back_and_allowed(built: Activity) -> None:
    assert Activity.parse(built.document()) == built
    assert origin.check(built, ALICE) is None


def test_a_create_is_addressed_as_its_object() -> None:
    document = activity.create(ID, ALICE, NOTE.document()).document()
    assert (document["to"], document["cc"]) == ([PUBLIC], [FOLLOWERS])
    assert document["published"] == "2026-11-24T12:00:00.000Z"
    assert document["object"]["content"] == "x"


def test_plain_ids_inside() -> None:
    # Takahē 0.11 never completes a follow whose Accept embeds an actor
    accept = activity.accept(ID, ALICE, f"{BOB}#follow", BOB).document()
    assert accept["object"] == {
        "id": f"{BOB}#follow", "type": "Follow", "actor": BOB, "object": ALICE
    }  # fmt: skip
    undo = activity.undo(ID, activity.create(ID, ALICE, NOTE.document())).document()
    assert undo["object"]["object"] == NOTE.id


def test_a_deleted_actor_is_named_by_id_and_a_post_by_its_tombstone() -> None:
    assert activity.delete(ID, ALICE, ALICE).document()["object"] == ALICE
    stone = activity.delete(ID, ALICE, f"{ALICE}/1", former_type="Note").document()["object"]
    assert stone == {"id": f"{ALICE}/1", "type": "Tombstone", "formerType": "Note"}


def test_shapes_of_other_servers() -> None:
    read = Activity.parse(
        {
            "id": f"{BOB}#1",
            "type": ["Accept"],
            "actor": {"id": BOB, "type": "Person"},
            "object": [{"id": ID, "type": "Follow"}],
            "to": ALICE,
            "result": {"id": f"{BOB}/approval"},
        }
    )
    assert (read.type, read.actor, read.object_id) == ("Accept", BOB, ID)
    assert read.object == {"id": ID, "type": "Follow"}
    assert (read.to, read.result) == ((ALICE,), f"{BOB}/approval")


def test_what_an_app_posts_has_neither_id_nor_actor() -> None:
    read = Activity.parse({"type": "Create", "object": {"type": "Note", "content": "x"}})
    assert (read.id, read.actor, read.object_id) == (None, None, None)
    assert read.object == {"type": "Note", "content": "x"}


@pytest.mark.parametrize("document", [{}, {"type": None}, {"type": ""}, [], None, "x"])
def test_what_is_no_activity(document: Any) -> None:
    with pytest.raises(Malformed):
        Activity.parse(document)


def test_collections() -> None:
    page = CollectionPage(
        id=f"{ALICE}/outbox?page=1",
        part_of=f"{ALICE}/outbox",
        next=f"{ALICE}/outbox?page=2",
        items=(NOTE.id or "", {"id": ID, "type": "Create"}),
    )
    whole = Collection(id=FOLLOWERS, total_items=0, items=())
    paged = Collection(id=FOLLOWERS, type="Collection", total_items=7, first=f"{FOLLOWERS}?page=1")
    assert CollectionPage.parse(page.document()) == page
    assert Collection.parse(whole.document()) == whole
    assert Collection.parse(paged.document()) == paged
    assert whole.document()["orderedItems"] == []
    assert "items" not in paged.document()


def test_collections_of_other_servers() -> None:
    embedded = Collection.parse(
        {
            "type": "Collection",
            "totalItems": -1,
            "items": None,
            "first": {"type": "CollectionPage", "items": [BOB, 7, None, {"id": ALICE}, ["x"]]},
        }
    )
    assert embedded.total_items is None and embedded.items == ()
    assert embedded.first_page is not None
    assert embedded.first_page.items == (BOB, {"id": ALICE})
    single = CollectionPage.parse({"type": "OrderedCollectionPage", "orderedItems": BOB})
    assert single.items == (BOB,)
    many = CollectionPage.parse({"type": "CollectionPage", "items": [BOB] * 5000})
    assert len(many.items) == 1000
    odd: list[Any] = [{}, {"type": "Note"}, [], None]
    for wrong in odd:
        with pytest.raises(Malformed):
            Collection.parse(wrong)
        with pytest.raises(Malformed):
            CollectionPage.parse(wrong)


def test_tombstones() -> None:
    stone = Tombstone(id=f"{ALICE}/1", former_type="Note", deleted=NOW)
    assert Tombstone.parse(stone.document()) == stone
    with pytest.raises(Malformed):
        Tombstone.parse({"type": "Tombstone"})
