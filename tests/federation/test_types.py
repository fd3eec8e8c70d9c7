"""Whatever a real server sends: every type of object, in every shape."""

from __future__ import annotations

from typing import Any

import pytest

from activitypub.objects.note import NOTE_TYPES
from fedi.database.tables import Account
from tests.federation import seeing
from tests.federation.peer import Document, Internet, Person
from tests.rig import Instance


@pytest.mark.parametrize("type_", sorted(NOTE_TYPES - {"Note", "Question"}))
async def test_what_is_no_note_is_shown_with_its_title_and_a_link(
    instance: Instance, alice: Account, bob: Person, type_: str
) -> None:
    page = f"{bob.origin}/pages/1"
    made = bob.note(
        "<p>words</p>",
        type=type_,
        name="A <title>",
        summary="<p>in short</p>",
        url=[{"type": "Link", "mediaType": "text/html", "href": page}],
    )
    await bob.does(instance, bob.create(made))
    shown = await seeing.seen(instance, alice, made["id"])
    assert shown is not None
    assert "A &lt;title&gt;" in shown.status.content
    assert ("in short" if type_ == "Article" else "words") in shown.status.content
    assert f'href="{page}"' in shown.status.content
    assert (shown.status.url, shown.status.spoiler_text) == (page, "")


async def test_the_largest_preview_stands_for_a_video(
    instance: Instance, alice: Account, bob: Person
) -> None:
    icons = [
        {
            "type": "Image",
            "url": f"{bob.origin}/small.jpg",
            "mediaType": "image/jpeg",
            "width": 280,
        },
        {
            "type": "Image",
            "url": f"{bob.origin}/large.jpg",
            "mediaType": "image/jpeg",
            "width": 850,
        },
    ]
    made = bob.note(
        "**words** <b>\n\nmore",
        type="Video",
        name="Film",
        icon=icons,
        mediaType="text/markdown",
        attributedTo=[{"type": "Person", "id": bob.uri}, {"type": "Group", "id": f"{bob.uri}/c"}],
    )
    await bob.does(instance, bob.create(made))
    shown = await seeing.seen(instance, alice, made["id"])
    assert shown is not None
    assert [medium.remote_url for medium in shown.media] == [f"{bob.origin}/large.jpg"]
    assert "<p>**words** &lt;b&gt;</p><p>more</p>" in shown.status.content


async def test_a_link_is_a_link_and_an_image_is_a_picture(
    instance: Instance, alice: Account, bob: Person
) -> None:
    made = bob.note(
        type="Page",
        name="Lemmy",
        attachment=[
            {"type": "Link", "href": "https://example.org/story"},
            {"type": "Link", "href": f"{bob.origin}/p.png", "mediaType": "image/png"},
            {"type": "Image", "url": f"{bob.origin}/q.png"},
        ],
        image={"type": "Image", "url": f"{bob.origin}/thumbnail.png"},
    )
    await bob.does(instance, bob.create(made))
    shown = await seeing.seen(instance, alice, made["id"])
    assert shown is not None
    assert 'href="https://example.org/story"' in shown.status.content
    pictures = [f"{bob.origin}/p.png", f"{bob.origin}/q.png"]
    assert [medium.remote_url for medium in shown.media] == pictures


@pytest.mark.parametrize(
    ("changes", "visibility"),
    [
        ({"to": "as:Public", "cc": []}, "public"),
        ({"to": "Public", "cc": None}, "public"),
        ({"to": [{"id": "https://www.w3.org/ns/activitystreams#Public"}]}, "public"),
        ({"to": [], "cc": "as:Public"}, "unlisted"),
    ],
    ids=range(4),
)
async def test_an_audience_is_read_in_every_spelling(
    instance: Instance, alice: Account, bob: Person, changes: Document, visibility: str
) -> None:
    made = bob.note(**changes)
    await bob.does(instance, bob.create(made))
    found = await seeing.status(instance, made["id"])
    assert found is not None and found.visibility == visibility


async def test_words_are_read_from_language_maps(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    carol = internet.person("carol")
    internet.show(
        carol.uri, carol.document(name=None, nameMap={"de": "Karoline"}, summaryMap={"de": "Ich"})
    )
    await seeing.befriend(instance, alice, carol)
    made = carol.note(
        content=None,
        contentMap={"de": "<p>Hallo</p>", "en": "<p>hello</p>"},
        summaryMap={"de": "Achtung"},
        attachment=[{"type": "Image", "url": f"{carol.origin}/1.png", "nameMap": {"de": "Fuchs"}}],
    )
    await carol.does(instance, carol.create(made))
    shown = await seeing.seen(instance, alice, made["id"])
    assert shown is not None
    assert (shown.status.language, shown.status.spoiler_text) == ("de", "Achtung")
    assert "Hallo" in shown.status.content
    assert (shown.account.display_name, shown.account.note) == ("Karoline", "Ich")
    assert shown.media[0].description == "Fuchs"


async def test_types_and_actors_come_in_arrays_and_embedded(
    instance: Instance, alice: Account, bob: Person
) -> None:
    made = bob.note(type=["Note"], attributedTo=[{"type": "Person", "id": bob.uri}])
    create = bob.activity(
        ["Create"], [made], actor={"type": "Person", "id": bob.uri}, to=made["to"], cc=made["cc"]
    )
    await bob.does(instance, create)
    assert await seeing.home(instance, alice) == [made["id"]]


async def test_by_reference_is_as_good_as_embedded(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    made = bob.note()
    internet.show(made["id"], {"@context": "https://www.w3.org/ns/activitystreams", **made})
    await bob.does(instance, bob.activity("Create", made["id"]))
    assert await seeing.home(instance, alice) == [made["id"]]


# ---- collections of activities ------------------------------------------------------------------


@pytest.mark.parametrize("type_", ["Collection", "OrderedCollection"])
async def test_the_activities_of_a_collection_are_done_in_their_order(
    instance: Instance, alice: Account, bob: Person, type_: str
) -> None:
    made = bob.note()
    ordered = type_ == "OrderedCollection"
    inner = [bob.create(made), bob.activity("Delete", made["id"])]
    collection: dict[str, Any] = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "type": type_,
        "orderedItems" if ordered else "items": inner[::-1] if ordered else inner,
    }
    for _ in range(2):
        await bob.does(instance, collection)
    found = await seeing.status(instance, made["id"])
    assert found is not None and found.deleted_at is not None and found.fetched_at is not None


@pytest.mark.parametrize("lie", ["another's", "one too many", "nothing", "ids", "no activity"])
async def test_a_collection_is_held_to_its_signature_and_its_size(
    instance: Instance, internet: Internet, alice: Account, bob: Person, lie: str
) -> None:
    mallory = internet.person("mallory", "evil")
    mine = mallory.activity("Follow", alice.uri)
    items: dict[str, list[Any]] = {
        "another's": [mine, bob.activity("Follow", alice.uri)],
        "one too many": [mallory.activity("Like", alice.uri) for _ in range(51)],
        "nothing": [],
        "ids": [bob.new_id()],
        "no activity": [mine, {"id": "x"}],
    }
    status = await mallory.send(instance, {"type": "OrderedCollection", "orderedItems": items[lie]})
    assert status == {"another's": 403, "ids": 202}.get(lie, 400)
    await instance.run_jobs()
    assert await seeing.followers(instance, alice) == []
