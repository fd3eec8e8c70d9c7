"""Actors as peers write them, and as we do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from activitypub.errors import Malformed
from activitypub.objects import Actor, Attachment, Emoji, Field, Generator, Multikey, PublicKey

ALICE = "https://a.example/users/alice"
MINIMAL = {
    "id": ALICE,
    "type": "Person",
    "preferredUsername": "alice",
    "inbox": f"{ALICE}/inbox",
}
FULL = Actor(
    id=ALICE,
    type="Service",
    preferred_username="alice",
    inbox=f"{ALICE}/inbox",
    outbox=f"{ALICE}/outbox",
    followers=f"{ALICE}/followers",
    following=f"{ALICE}/following",
    featured=f"{ALICE}/collections/featured",
    shared_inbox="https://a.example/inbox",
    name="Alice",
    summary="<p>I paint.</p>",
    url="https://a.example/@alice",
    icon=Attachment(url="https://a.example/i.png", media_type="image/png", name="A face"),
    image=Attachment(url="https://a.example/h.png", width=1500, height=500),
    fields=(Field(name="Web", value='<a href="https://a.example">a</a>'),),
    tags=(Emoji(name="heart", url="https://a.example/e.png", media_type="image/png"),),
    public_keys=(PublicKey(id=f"{ALICE}#main-key", owner=ALICE, pem="PEM"),),
    assertion_methods=(Multikey(id=f"{ALICE}#ed", controller=ALICE, multibase="z6Mk"),),
    manually_approves_followers=True,
    discoverable=True,
    indexable=False,
    published=datetime(2026, 11, 24, tzinfo=UTC),
    also_known_as=("https://c.example/users/alice",),
    moved_to="https://d.example/users/alice",
    webfinger="alice@a.example",
    generator=Generator(name="Easel", url="https://a.example/about"),
)


def test_what_is_written_is_read_back() -> None:
    assert Actor.parse(FULL.document()) == FULL
    assert Actor.parse(MINIMAL).document() == {**MINIMAL, "manuallyApprovesFollowers": False}


def test_one_key_is_an_object_and_two_are_an_array() -> None:
    assert FULL.document()["publicKey"]["owner"] == ALICE
    second = PublicKey(id=f"{ALICE}#second", owner=ALICE, pem="PEM")
    two = Actor.parse({**MINIMAL, "publicKey": [k.document() for k in (*FULL.public_keys, second)]})
    assert two.public_keys == (*FULL.public_keys, second)
    assert Actor.parse(two.document()) == two


@pytest.mark.parametrize(
    "broken",
    [
        {"id": None}, {"id": ""}, {"id": 7}, {"id": "a b"}, {"type": None}, {"type": "Note"},
        {"type": 7}, {"type": []}, {"preferredUsername": None}, {"preferredUsername": ["a"]},
        {"inbox": None}, {"inbox": "file:///x"}, {"inbox": {"href": 7}},
    ],
)  # fmt: skip
def test_an_actor_that_nobody_could_follow(broken: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        Actor.parse({**MINIMAL, **broken})


def test_keys_of_somebody_else_are_left_out() -> None:
    theirs = {"id": f"{ALICE}#k", "owner": "https://b.example/users/bob", "publicKeyPem": "PEM"}
    ours = {"id": f"{ALICE}#k", "controller": ALICE, "publicKeyPem": "PEM"}
    for written in ([theirs, ours, {"id": "x"}, None, 7], [ours]):
        actor = Actor.parse({**MINIMAL, "publicKey": written})
        assert [key.owner for key in actor.public_keys] == [ALICE]


def test_optional_properties_of_the_wrong_type_are_absent() -> None:
    wrong: dict[str, Any] = dict.fromkeys(
        ["outbox", "followers", "featured", "endpoints", "name", "summary", "url", "icon", "image",
         "attachment", "tag", "publicKey", "manuallyApprovesFollowers", "discoverable",
         "published", "alsoKnownAs", "movedTo", "webfinger", "generator"],
        7,
    )  # fmt: skip
    assert Actor.parse({**MINIMAL, **wrong}) == Actor.parse(MINIMAL)


def test_shapes_of_other_servers() -> None:
    actor = Actor.parse(
        {
            **MINIMAL,
            "type": ["Person", "schema:Person"],
            "sharedInbox": "https://a.example/inbox",
            "icon": [{"type": "Image", "url": [{"type": "Link", "href": "https://a.example/1"}]}],
            "image": "https://a.example/2.png",
            "url": [
                {"type": "Link", "mediaType": "text/plain", "href": "https://a.example/a.txt"},
                {"type": "Link", "mediaType": "text/html", "href": "https://a.example/@alice"},
            ],
            "followers": {"id": f"{ALICE}/followers", "type": "Collection"},
            "alsoKnownAs": "https://c.example/users/alice",
            "published": "2026-11-24",
        }
    )
    assert actor.shared_inbox == "https://a.example/inbox"
    assert actor.icon is not None and actor.icon.url == "https://a.example/1"
    assert actor.image is not None and actor.image.url == "https://a.example/2.png"
    assert actor.url == "https://a.example/@alice"
    assert actor.followers == f"{ALICE}/followers"
    assert actor.also_known_as == ("https://c.example/users/alice",)
    assert actor.published == datetime(2026, 11, 24, tzinfo=UTC)


def test_a_name_from_webfinger_alone() -> None:
    actor = Actor.parse({**MINIMAL, "preferredUsername": None, "webfinger": "@alice@w.example"})
    assert actor.preferred_username == "alice"


def test_limits_of_a_profile() -> None:
    field = {"type": "PropertyValue", "name": "n" * 5000, "value": "v" * 5000}
    actor = Actor.parse(
        {
            **MINIMAL,
            "name": "x" * 5000,
            "summary": "x" * 50_000,
            "attachment": [field] * 200,
            "alsoKnownAs": [f"https://c.example/{n}" for n in range(1000)],
        }
    )
    assert len(actor.name or "") == 2048 and len(actor.summary or "") == 20_000
    assert len(actor.fields) == 50 and len(actor.fields[0].value) == 2047
    assert len(actor.also_known_as) == 256


def test_multikeys_that_are_somebody_elses_or_none_are_left_out() -> None:
    key = {
        "id": f"{ALICE}#ed",
        "type": "Multikey",
        "controller": ALICE,
        "publicKeyMultibase": "z6Mk",
    }
    odd: list[Any] = [
        f"{ALICE}#by-id", None, 7, [], {**key, "controller": "https://a.example/users/mallory"},
        {**key, "type": "JsonWebKey"}, {**key, "publicKeyMultibase": 7}, {**key, "id": None},
        {**key, "publicKeyMultibase": "z" * 20_000}, {**key, "controller": None},
    ]  # fmt: skip
    for entry in odd:
        assert Actor.parse({**MINIMAL, "assertionMethod": entry}).assertion_methods == ()
    found = Actor.parse({**MINIMAL, "assertionMethod": [*odd[:5], key]}).assertion_methods
    assert found == (Multikey(id=f"{ALICE}#ed", controller=ALICE, multibase="z6Mk"),)
    assert len(Actor.parse({**MINIMAL, "assertionMethod": [key] * 50}).assertion_methods) == 10
