"""Who may say what about which id (attacks.md 22 to 31, 37; FEP-fe34)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activitypub.objects import Activity
from activitypub.origin import Forbidden, check, embedded, host, may_speak, origin, same_origin

ALICE = "https://a.example/users/alice"
ALBERT = "https://a.example/users/albert"
BOB = "https://b.example/users/bob"
NOTE = "https://a.example/notes/1"


@pytest.mark.parametrize(
    ("uri", "canonical"),
    [
        ("https://a.example/x", "https://a.example"),
        ("HTTPS://A.Example/x", "https://a.example"),
        ("https://a.example:443/x", "https://a.example"),
        ("https://a.example:0443", "https://a.example"),
        ("https://a.example:/x", "https://a.example"),
        ("http://a.example:80/x", "http://a.example"),
        ("http://a.example:443/x", "http://a.example:443"),
        ("https://a.example./x", "https://a.example"),
        ("https://bücher.example/x", "https://xn--bcher-kva.example"),
        ("https://BÜCHER.example?x", "https://xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example#x", "https://xn--bcher-kva.example"),
        ("https://a。example/", "https://a.example"),
        ("http://easel-a.localhost:8001/x", "http://easel-a.localhost:8001"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
        ("https://[0:0:0:0:0:0:0:1]/", "https://[::1]"),
    ],
)
def test_canonical_origins(uri: str, canonical: str) -> None:
    assert origin(uri) == canonical
    assert host(uri) == canonical.split("://")[1]


@pytest.mark.parametrize(
    "uri",
    [
        "", "a.example", "//a.example/x", "https://", "https:///x", "https:a.example",
        "ftp://a.example/", "file:///etc/passwd", "data:text/plain,x", "acct:a@b.example",
        "javascript:alert(1)", "https://good.example@evil.example/", "https://u:p@a.example/",
        "https://a.example\\@evil.example/", "https://a.example\\x", "https://a.exa\tmple/",
        "https://a.example/\n", " https://a.example/", "https://a%2eexample/", "https://a..example/",
        "https://.a.example/", "https://a.example:99999/", "https://a.example:0/",
        "https://a.example:x/", "https://a.example:1:2/", "https://[::1/", "https://[zz]/",
        "https://a example/", "https://\ud800.example/", "https://a.example..", "https://*/",
    ],
)  # fmt: skip
def test_addresses_that_are_nobodys(uri: str) -> None:
    assert origin(uri) is None
    assert not same_origin(uri, uri)


def test_look_alikes_are_not_the_same() -> None:
    assert same_origin("https://A.example:443/1", "https://a.example./2")
    assert not same_origin("https://a.example/", "http://a.example/")
    assert not same_origin("https://a.example/", "https://a.example:8443/")
    assert not same_origin("https://a.example/", "https://а.example/")  # Cyrillic
    assert not same_origin(None, "https://a.example/")


@given(st.text())
def test_no_text_breaks_an_origin(text: str) -> None:
    origin(text)
    origin(f"https://{text}")


def activity(type_: str, object_: Any, **more: Any) -> Activity:
    document = {"id": f"{ALICE}#1", "type": type_, "actor": ALICE, "object": object_, **more}
    return Activity.parse(document)


def note(**more: Any) -> dict[str, Any]:
    return {"id": NOTE, "type": "Note", "attributedTo": ALICE, "content": "x", **more}


@pytest.mark.parametrize(
    "allowed",
    [
        activity("Create", note()),
        activity("Create", note(attributedTo=[{"type": "Person", "id": ALICE}])),
        activity("Create", {"id": NOTE, "type": "Note"}),
        activity("Create", NOTE),
        activity("Update", note()),
        activity("Update", {"id": ALICE, "type": "Person"}),
        activity("Delete", ALICE),
        activity("Delete", {"id": NOTE, "type": "Tombstone"}),
        activity("Undo", {"type": "Like", "actor": ALICE, "object": BOB, "id": f"{ALICE}#like"}),
        activity("Undo", {"type": "Follow", "actor": ALICE, "object": BOB}),
        activity("Undo", f"{ALICE}#like"),
        activity("Accept", {"type": "Follow", "id": f"{BOB}#1", "actor": BOB, "object": ALICE}),
        activity("Accept", f"{BOB}#follow"),
        activity("Reject", f"{BOB}#follow"),
        activity("Follow", BOB),
        activity("Block", BOB),
        activity("Announce", "https://c.example/1"),
        activity("Like", "https://c.example/1"),
        activity("Move", ALICE, target=BOB),
        activity("Add", NOTE, target=f"{ALICE}/featured"),
        activity("EmojiReact", NOTE),
    ],
)
def test_what_an_actor_may_do(allowed: Activity) -> None:
    assert check(allowed, ALICE) is None


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (activity("Create", note(id="https://c.example/1")), Forbidden.FOREIGN_OBJECT),
        (activity("Create", note(id=None)), Forbidden.FOREIGN_OBJECT),
        (activity("Create", note(attributedTo=ALBERT)), Forbidden.OTHER_AUTHOR),
        (activity("Create", note(attributedTo=[BOB, ALICE])), Forbidden.OTHER_AUTHOR),
        (activity("Create", "https://c.example/1"), Forbidden.FOREIGN_OBJECT),
        (activity("Update", note(attributedTo=ALBERT)), Forbidden.OTHER_AUTHOR),
        (activity("Update", note(attributedTo=None)), Forbidden.OTHER_AUTHOR),
        (activity("Update", {"id": ALBERT, "type": "Person"}), Forbidden.OTHER_AUTHOR),
        (activity("Update", {"id": BOB, "type": "Person"}), Forbidden.FOREIGN_OBJECT),
        (activity("Delete", BOB), Forbidden.FOREIGN_OBJECT),
        (activity("Undo", {"type": "Like", "actor": ALBERT, "object": BOB}), Forbidden.OTHER_ACTOR),
        (activity("Undo", {"type": "Like", "object": BOB}), Forbidden.OTHER_ACTOR),
        (
            activity("Undo", {"id": f"{BOB}#1", "type": "Like", "actor": ALICE}),
            Forbidden.FOREIGN_OBJECT,
        ),
        (activity("Undo", f"{BOB}#1"), Forbidden.FOREIGN_OBJECT),
        (activity("Accept", {"type": "Follow", "object": ALBERT}), Forbidden.NOT_TARGET),
        (activity("Reject", {"type": "Follow", "object": BOB}), Forbidden.NOT_TARGET),
        (activity("Reject", {"type": ["Follow"], "object": BOB}), Forbidden.NOT_TARGET),
        (activity("Follow", ALICE), Forbidden.SELF),
        (activity("Block", ALICE), Forbidden.SELF),
        (activity("Move", BOB, target=ALICE), Forbidden.NOT_SELF),
        (activity("Add", NOTE, target=f"{BOB}/featured"), Forbidden.FOREIGN_TARGET),
        (activity("Remove", NOTE), Forbidden.FOREIGN_TARGET),
        (activity("Like", None), Forbidden.NO_OBJECT),
        (activity("Like", NOTE, actor=None), Forbidden.NO_ACTOR),
        (activity("Like", NOTE, actor=ALBERT), Forbidden.NOT_SIGNER),
        (activity("Like", NOTE, id=None), Forbidden.NO_ID),
        (activity("Like", NOTE, id="https://b.example/1"), Forbidden.FOREIGN_ID),
    ],
)
def test_what_an_actor_may_not_do(refused: Activity, why: Forbidden) -> None:
    assert check(refused, ALICE) is why


def test_an_announced_post_of_somebody_else_is_not_believed() -> None:
    theirs = note(id="https://b.example/1", attributedTo=BOB)
    assert check(activity("Announce", theirs), ALICE) is None
    assert embedded(activity("Announce", theirs)) is None
    assert embedded(activity("Announce", note())) == note()
    assert embedded(activity("Create", NOTE)) is None


def test_a_fetched_object_must_name_its_author() -> None:
    assert may_speak(ALICE, note()) is None
    assert may_speak(ALICE, {"id": NOTE}) is Forbidden.OTHER_AUTHOR
    assert may_speak(ALICE, {"id": ALICE}) is None
