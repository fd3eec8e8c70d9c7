"""Posts as peers write them, and as we do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from activitypub.addressing import PUBLIC
from activitypub.errors import Malformed
from activitypub.objects import (
    Attachment,
    CollectionLink,
    Emoji,
    Generator,
    Hashtag,
    Mention,
    Note,
    Source,
)

ALICE = "https://a.example/users/alice"
NOTE = f"{ALICE}/statuses/1"
TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
PICTURE = Attachment(
    type="Image",
    media_type="image/png",
    url="https://a.example/media/x.png",
    name="A red fox in the snow",
    width=1024,
    height=768,
    blurhash="LEHV6nWB2yk8pyo0adR*.7kCMdnj",
    focal_point=(0.5, -0.25),
    digest_multibase="zQmNbCYUrvaVfy6w9b5W3SVTP2newPK5FoeY37QurUEUydH",
    size=123456,
    license="https://creativecommons.org/licenses/by/4.0/",
    digital_source_type=TRAINED,
    ai_system="stabilityai/sdxl-turbo",
    ai_system_version="1.0",
    ai_prompt="a red fox in the snow",
    recipe={"prompt": "a red fox in the snow", "seed": 7, "loras": [{"name": "ink"}]},
)
FULL = Note(
    id=NOTE,
    attributed_to=ALICE,
    content="<p>Look</p>",
    language="en",
    summary="fox",
    sensitive=True,
    source=Source(content="Look", media_type="text/markdown"),
    url="https://a.example/@alice/1",
    published=datetime(2026, 11, 24, 12, tzinfo=UTC),
    updated=datetime(2026, 11, 24, 13, tzinfo=UTC),
    in_reply_to="https://b.example/1",
    conversation="tag:a.example,2026:1",
    context="https://a.example/contexts/1",
    quote="https://c.example/1",
    is_based_on="https://b.example/2",
    to=(PUBLIC,),
    cc=(f"{ALICE}/followers", "https://b.example/users/bob"),
    tags=(
        Mention(href="https://b.example/users/bob", name="@bob@b.example"),
        Hashtag(name="AIgenerated", href="https://a.example/tags/aigenerated"),
        Emoji(name="fox", url="https://a.example/e/fox.png", id="https://a.example/e/fox"),
    ),
    attachments=(PICTURE,),
    replies=CollectionLink(id=f"{NOTE}/replies", total_items=3),
    likes=CollectionLink(id=f"{NOTE}/likes", total_items=0),
    shares=CollectionLink(id=f"{NOTE}/shares"),
    generator=Generator(name="stabilityai/sdxl-turbo"),
)


def read(**properties: Any) -> Note:
    return Note.parse({"id": NOTE, "type": "Note", "attributedTo": ALICE, **properties})


def test_what_is_written_is_read_back() -> None:
    assert Note.parse(FULL.document()) == FULL


def test_a_picture_in_the_shape_that_every_receiver_accepts() -> None:
    # peers.md 10: what Mastodon, Misskey, Pixelfed, Akkoma, GoToSocial each demand
    assert PICTURE.document() == {
        "type": "Image",
        "mediaType": "image/png",
        "url": "https://a.example/media/x.png",
        "name": "A red fox in the snow",
        "summary": "A red fox in the snow",
        "width": 1024,
        "height": 768,
        "blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj",
        "focalPoint": [0.5, -0.25],
        "digestMultibase": "zQmNbCYUrvaVfy6w9b5W3SVTP2newPK5FoeY37QurUEUydH",
        "size": 123456,
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "digitalSourceType": TRAINED,
        "AISystemUsed": "stabilityai/sdxl-turbo",
        "AISystemVersionUsed": "1.0",
        "AIPromptInformation": "a red fox in the snow",
        "recipe": {"prompt": "a red fox in the snow", "seed": 7, "loras": [{"name": "ink"}]},
    }


def test_a_post_always_has_what_strict_readers_demand() -> None:
    document = Note(id=NOTE, attributed_to=ALICE, content="x", to=(PUBLIC,)).document()
    assert document["to"] == [PUBLIC] and document["cc"] == []
    assert document["attachment"] == [] and document["tag"] == []
    assert document["sensitive"] is False
    assert "@context" not in document and None not in document.values()


def test_blind_recipients_are_read_and_never_written() -> None:
    note = read(bto="https://b.example/1", bcc=["https://b.example/2"])
    assert note.bto == ("https://b.example/1",) and note.bcc == ("https://b.example/2",)
    assert "bto" not in note.document() and "bcc" not in note.document()


@pytest.mark.parametrize(
    "type_", ["Note", "Question", "Article", "Image", "Video", "Audio", "Page", "Event"]
)
def test_everything_that_is_read_like_a_post(type_: str) -> None:
    note = Note.parse({"type": type_, "name": "A title"})
    assert (note.type, note.name, note.id) == (type_, "A title", None)


@pytest.mark.parametrize(
    "document", [{}, {"type": "Person"}, {"type": 7}, {"type": None}, [], "x", None, 7]
)
def test_what_is_no_post(document: Any) -> None:
    with pytest.raises(Malformed):
        Note.parse(document)


@pytest.mark.parametrize(
    ("written", "author"),
    [
        (ALICE, ALICE),
        ({"id": ALICE, "type": "Person"}, ALICE),
        ([ALICE], ALICE),
        ([{"type": "Group", "id": "https://a.example/g"}, {"type": "Person", "id": ALICE}], ALICE),
        ([[ALICE]], None),
        ("file:///x", None),
        (7, None),
    ],
)
def test_authors(written: Any, author: str | None) -> None:
    assert read(attributedTo=written).attributed_to == author


@pytest.mark.parametrize(
    ("properties", "content", "language"),
    [
        ({"content": "x"}, "x", None),
        ({"contentMap": {"de": "x", "en": "y"}}, "x", "de"),
        ({"content": "z", "contentMap": {"de": "x"}}, "z", "de"),
        ({"content": 7, "contentMap": {"de": 7, "en": "y"}}, "y", "en"),
        ({"content": "x", "contentMap": {"und": "x"}}, "x", None),
        ({"content": "x", "contentMap": {"x" * 99: "x"}}, "x", None),
        ({"content": "x", "contentMap": "de"}, "x", None),
        ({}, "", None),
        ({"content": None}, "", None),
        ({"content": "a\0b\ud800c"}, "abc", None),
    ],
)
def test_content_and_language(
    properties: dict[str, Any], content: str, language: str | None
) -> None:
    note = read(**properties)
    assert (note.content, note.language) == (content, language)


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://a.example/1", "https://a.example/1"),
        (["https://a.example/1", "https://a.example/2"], "https://a.example/1"),
        ({"type": "Link", "href": "https://a.example/1"}, "https://a.example/1"),
        (
            [
                {"type": "Link", "mediaType": "video/mp4", "href": "https://a.example/v"},
                {"type": "Link", "mediaType": "text/html", "href": "https://a.example/1"},
            ],
            "https://a.example/1",
        ),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ({"href": 7}, None),
        (7, None),
    ],
)
def test_addresses_for_people(written: Any, url: str | None) -> None:
    assert read(url=written).url == url


def test_recipients_in_every_shape() -> None:
    note = read(to="as:Public", cc=[{"id": ALICE}, ALICE, 7, None, [ALICE], "https://b.example/"])
    assert note.to == ("as:Public",)
    assert note.cc == (ALICE, "https://b.example/")


def test_a_mention_bomb_is_cut() -> None:
    many = [f"https://b.example/{n}" for n in range(10_000)]
    note = read(
        to=many,
        tag=[{"type": "Mention", "href": href} for href in many],
        attachment=[{"type": "Image", "url": href} for href in many],
    )
    assert len(note.to) == 2000 and len(note.tags) == 500 and len(note.attachments) == 32


def test_tags_that_are_broken_or_unknown_are_left_out() -> None:
    note = read(
        tag=[
            {"type": "Mention"},
            {"type": "Hashtag", "name": "#two words"},
            {"type": "Hashtag", "name": "#"},
            {"type": "Hashtag", "name": "fox", "href": "javascript:x"},
            {"type": "Emoji", "name": ":x:", "icon": "https://a.example/e.png"},
            {"type": "Link", "href": "https://a.example/"},
            {"type": "FeaturedCollection"},
            {},
            None,
            "x",
        ]
    )
    assert note.tags == (Hashtag(name="fox"),)
    one = read(tag={"type": "Hashtag", "name": "#fox"})
    assert one.tags == (Hashtag(name="fox"),)


@pytest.mark.parametrize(
    "attachment",
    [
        {"type": "Document", "url": "https://b.example/x.jpg", "name": "alt"},
        {"type": "Image", "url": "https://b.example/x.jpg", "summary": "alt"},
        {"type": "Image", "url": "https://b.example/x.jpg", "summary": "alt", "name": "title"},
        {"type": "Image", "url": ["https://b.example/x.jpg"], "name": "alt"},
        {
            "type": "Image",
            "url": {"type": "Link", "href": "https://b.example/x.jpg"},
            "name": "alt",
        },
        {"type": "Link", "href": "https://b.example/x.jpg", "name": "alt"},
    ],
)
def test_attachments_of_other_servers(attachment: dict[str, Any]) -> None:
    (read_back,) = read(attachment=attachment).attachments
    assert (read_back.url, read_back.name) == ("https://b.example/x.jpg", "alt")


def test_attachment_properties_that_cannot_be_believed_are_absent() -> None:
    url = "https://b.example/x.jpg"
    (odd,) = read(
        attachment={
            "type": "Image", "url": url, "mediaType": "nonsense", "width": -1, "height": 1e30,
            "blurhash": "<script>", "focalPoint": [2, 0], "size": "big", "digestMultibase": [],
            "digitalSourceType": "javascript:x", "AISystemUsed": {"a": 1}, "license": 7,
        }
    ).attachments  # fmt: skip
    assert odd == Attachment(type="Image", url=url)


def test_what_remote_ai_fields_say_is_capped_text() -> None:
    # attacks.md 61
    (long,) = read(
        attachment={
            "type": "Image", "url": "https://b.example/x", "mediaType": "IMAGE/PNG; q=1",
            "AIPromptInformation": "x\0" * 100_000, "Iptc4xmpExt:AISystemUsed": "m",
            "license": {"name": "CC BY"}, "width": 640.0, "focalPoint": [0, 1],
        }
    ).attachments  # fmt: skip
    assert long.ai_prompt is not None and set(long.ai_prompt) == {"x"}
    assert len(long.ai_prompt) <= 10_000
    assert (long.ai_system, long.license, long.media_type) == ("m", "CC BY", "image/png")
    assert (long.width, long.focal_point) == (640, (0.0, 1.0))


def test_an_attachment_without_address_is_a_wish() -> None:
    wish = {"type": "Image", "AIPromptInformation": "a fox"}
    assert read(attachment=wish).attachments == ()
    note = Note.parse({"type": "Note", "attachment": [wish]}, wishes=True)
    assert note.attachments == (Attachment(ai_prompt="a fox"),)


def test_dates_in_every_shape() -> None:
    assert read(published="2026-11-24T12:00:00Z").published == datetime(
        2026, 11, 24, 12, tzinfo=UTC
    )
    offset = read(published="2026-11-24T12:00:00.123+02:00").published
    assert offset == datetime(2026, 11, 24, 10, 0, 0, 123000, UTC)
    odd: list[Any] = ["soon", "", 7, None, "0000-00-00T00:00:00Z", "0001-01-01T00:00:00+14:00", []]
    for wrong in odd:
        assert read(published=wrong).published is None


def test_counts_and_addresses_of_collections() -> None:
    note = read(
        replies={"id": f"{NOTE}/replies", "type": "Collection", "first": {"items": []}},
        likes={"totalItems": 2**63},
        shares=f"{NOTE}/shares",
    )
    assert note.replies == CollectionLink(id=f"{NOTE}/replies")
    assert note.likes == CollectionLink()
    assert note.shares == CollectionLink(id=f"{NOTE}/shares")


@pytest.mark.parametrize("name", ["quote", "_misskey_quote", "quoteUrl", "quoteUri"])
def test_quotes_of_other_servers(name: str) -> None:
    assert read(**{name: "https://b.example/1"}).quote == "https://b.example/1"
