"""Content negotiation, and the @context that we publish."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activitypub.context import (
    ACCEPT,
    AS2,
    CONTEXT,
    LD_JSON,
    accepts_activity,
    is_activity_type,
    with_context,
)

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
MASTODON_PASTED = f"{LD_JSON}, application/activity+json, text/html;q=0.1"


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, False),
        ("", False),
        ("*/*", False),
        (BROWSER, False),
        (ACCEPT, True),
        (LD_JSON, True),
        (MASTODON_PASTED, True),
        ("application/activity+json, application/ld+json", True),
        ("application/ld+json", True),
        ("application/json", True),
        ("APPLICATION/ACTIVITY+JSON", True),
        ("text/html, application/activity+json", False),
        ("application/activity+json, text/html", True),
        ("application/activity+json;q=0.5, text/html;q=0.9", False),
        ("application/activity+json;q=0", False),
        ("application/activity+json;q=nonsense", False),
        ("application/activity+json;q=nan", False),
        ('text/html; x="application/activity+json, "', False),
    ],
)
def test_what_a_reader_wants(accept: str | None, wanted: bool) -> None:
    assert accepts_activity(accept) is wanted


@pytest.mark.parametrize(
    ("content_type", "believed"),
    [
        ("application/activity+json", True),
        ("application/activity+json; charset=utf-8", True),
        ("Application/Activity+JSON", True),
        (LD_JSON, True),
        (f'application/ld+json; charset=utf-8; profile="x {AS2}"', True),
        (f"application/ld+json;profile={AS2}", True),
        ("application/ld+json", False),
        ('application/ld+json; profile="https://evil.example/"', False),
        (f'application/ld+json; profile="{AS2}x"', False),
        ("application/json", False),
        ("text/html", False),
        ("text/plain", False),
        ("image/png", False),
        ("application/activity+jsonx", False),
        ("text/html; application/activity+json", False),
        ("", False),
        (None, False),
    ],
)
def test_what_may_be_believed_to_be_activitystreams(
    content_type: str | None, believed: bool
) -> None:
    assert is_activity_type(content_type) is believed


@given(st.text())
def test_no_header_breaks_negotiation(header: str) -> None:
    accepts_activity(header)
    is_activity_type(header)


def test_the_context_stands_once_and_first() -> None:
    made = with_context({"@context": "https://evil.example/", "id": "x"})
    assert list(made) == ["@context", "id"]
    assert made["@context"] is CONTEXT
    assert CONTEXT[0] == AS2


def test_no_context_of_our_own_has_to_be_fetched() -> None:
    hosted = [entry for entry in CONTEXT if isinstance(entry, str)]
    assert hosted == [AS2, "https://w3id.org/security/v1"]
