"""Every parser of `activitypub/`: a typed record, or `Malformed` with a reason; nothing else."""

from __future__ import annotations

import json as plain_json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activitypub import addressing, context, json, nodeinfo, origin, webfinger
from activitypub.errors import Malformed
from activitypub.objects import (
    Activity,
    Actor,
    Attachment,
    Collection,
    CollectionLink,
    CollectionPage,
    Emoji,
    Field,
    Generator,
    Hashtag,
    Mention,
    Note,
    PublicKey,
    Source,
    Tombstone,
    values,
)
from activitypub.objects.attachment import parse_attachments
from activitypub.objects.tag import parse_tags
from activitypub.signatures import Key, Refused, Request, Verified, cavage, digest, keys, verify
from tests.properties.strategies import anything, mutated, objects, words

RECORDS: list[Any] = [
    Activity, Actor, Attachment, Collection, CollectionLink, CollectionPage, Field, Generator, Note,
    PublicKey, Source, Tombstone, nodeinfo.NodeInfo,
]  # fmt: skip
TAGS: list[Any] = [Mention, Hashtag, Emoji]


def attempt(parse: Callable[[Any], Any], value: Any) -> Any:
    """What a parser makes of it; None where it says why not."""
    try:
        return parse(value)
    except Malformed as malformed:
        assert malformed.reason.endswith(".")
        return None


def sendable(document: Any) -> None:
    """It can be sent and stored: encoded to JSON without NUL or half characters."""
    assert "\0" not in plain_json.dumps(document, ensure_ascii=False)
    json.encode(document if isinstance(document, dict) else {"x": document})


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
@given(document=st.one_of(objects(), anything()))
def test_a_record_or_malformed(record: Any, document: Any) -> None:
    made = attempt(record.parse, document)
    if made is None or record is nodeinfo.NodeInfo:
        return
    written = made.document()
    sendable(written)
    if isinstance(written, dict) and record is not Activity and record is not CollectionLink:
        again = record.parse(written)  # what we write of it, we can read
        assert again.document() == written


@pytest.mark.parametrize("record", TAGS, ids=lambda record: record.__name__)
@given(document=objects())
def test_a_tag_or_malformed(record: Any, document: Any) -> None:
    made = attempt(record.parse, document)
    if made is not None:
        sendable(made.document())


@given(value=anything())
def test_single_values(value: Any) -> None:
    """Each is of its type and within its limit, or None."""
    found = values.uri(value)
    assert found is None or (0 < len(found) <= values.URI_LIMIT and found.isprintable() is not None)
    assert all(isinstance(entry, str) for entry in values.uris(value))
    web = values.web_uri(value)
    assert web is None or web.lower().startswith(("http://", "https://"))
    said = values.text(value, 10)
    assert said is None or (len(said) <= 10 and said.encode())
    number, whole = values.number(value), values.integer(value)
    assert number is None or isinstance(number, float)
    assert whole is None or 0 <= whole < 2**63
    when = values.moment(value)
    assert when is None or (when.tzinfo is UTC and values.stamp(when))
    assert values.boolean(value) in {None, True, False}
    values.author(value), values.page_url(value)
    parse_tags(value), parse_attachments(value), parse_attachments(value, wishes=True)
    attempt(webfinger.parse, value)
    nodeinfo.parse_discovery(value)
    if isinstance(value, dict):
        attempt(values.kind, value)
        sendable(addressing.without_blind(value))


@given(
    body=st.one_of(st.binary(max_size=200), anything().map(lambda v: plain_json.dumps(v).encode()))
)
def test_json(body: bytes) -> None:
    document = attempt(json.decode, body)
    if document is not None:
        assert json.decode(json.encode(document)) == document
        assert plain_json.loads(body) == document


@given(word=words, other=words)
def test_origins(word: str, other: str) -> None:
    """An origin is canonical: its own origin, and of one host; or there is none."""
    found = origin.origin(word)
    if found is not None:
        assert origin.origin(found) == found == found.lower()
        assert origin.host(word) and "@" not in found and "\\" not in found
        assert origin.same_origin(word, found)
    assert origin.same_origin(word, other) == (found is not None and found == origin.origin(other))
    canonical = origin.authority(word)
    assert canonical is None or origin.authority(canonical) == canonical


@given(to=st.lists(words, max_size=4), cc=st.lists(words, max_size=4), followers=st.none() | words)
def test_visibility(to: list[str], cc: list[str], followers: str | None) -> None:
    """Public where Public is named, and nowhere else."""
    seen = addressing.read_visibility(to, cc, followers)
    public = bool(addressing.PUBLIC_NAMES & {*to, *cc})
    assert (seen in {"public", "unlisted"}) is public


@given(document=objects(), actor=words, signer=words)
def test_who_may_say_what(document: dict[str, Any], actor: str, signer: str) -> None:
    """What is believed was signed by its actor and is on their origin."""
    activity = attempt(Activity.parse, {**document, "actor": actor})
    if activity is None:
        return
    if origin.check(activity, signer) is None:
        assert activity.actor == signer and origin.same_origin(activity.id, signer)
    embedded = origin.embedded(activity)
    if embedded is not None and embedded.get("id") != activity.actor:
        assert origin.same_origin(values.uri(embedded.get("id")), activity.actor)


@given(header=st.one_of(words, st.text(max_size=200)), body=st.binary(max_size=20))
def test_headers(header: str, body: bytes) -> None:
    attempt(cavage.parse, header)
    attempt(cavage.parse_http_date, header)
    attempt(webfinger.parse_acct, header)
    attempt(webfinger.parse_query, header)
    attempt(webfinger.parse_host_meta, header.encode("utf-8", "replace"))
    attempt(keys.load_public, header)
    context.is_activity_type(header), context.accepts_activity(header)
    assert not digest.matches(header, body) or "sha-256" in header.lower()


ALPHABET = 'keyIdalgorithmheadersignatucxp=",() \t1234\\%é-:'
VALID = (
    'keyId="https://peer.example/u#main-key",algorithm="rsa-sha256",'
    'headers="(request-target) host date digest",signature="AAAA"'
)


@given(
    header=st.one_of(st.text(ALPHABET, max_size=120), st.just(VALID)),
    more=st.lists(
        st.tuples(
            st.sampled_from(["date", "host", "digest", "signature", "signature-input",
                             "content-digest", "content-type", "x"]),
            st.text(max_size=40),
        ),
        max_size=5,
    ),
    body=st.binary(max_size=20),
    method=st.sampled_from(["GET", "POST", "DELETE", "get"]),
    target=st.text(max_size=20),
)  # fmt: skip
async def test_signatures(
    header: str, more: list[tuple[str, str]], body: bytes, method: str, target: str
) -> None:
    """Never an exception, and nobody is believed who did not sign."""

    async def find(key_id: str, *, fresh: bool = False) -> Key:
        return Key(id=key_id, owner="https://peer.example/u", public=_KEY)

    now = datetime(2026, 1, 1, tzinfo=UTC)
    date = "Thu, 01 Jan 2026 00:00:00 GMT"
    headers = [("signature", header), ("host", "easel.example"), ("date", date), *more]
    request = Request(method=method, target=target, headers=headers, body=body)
    verdict = await verify(request, find, now, {"easel.example"})
    assert isinstance(verdict, Refused) and not isinstance(verdict, Verified)
    assert verdict.status in {400, 401, 503} and verdict.detail


_KEY = keys.load_public(keys.generate()[1])

ACTOR = {
    "id": "https://peer.example/u/bob", "type": "Person", "preferredUsername": "bob",
    "inbox": "https://peer.example/u/bob/inbox", "name": "Bob", "summary": "<p>x</p>",
    "url": "https://peer.example/@bob", "icon": {"type": "Image", "url": "https://peer.example/i"},
    "endpoints": {"sharedInbox": "https://peer.example/inbox"}, "published": "2026-01-01T00:00:00Z",
    "publicKey": {
        "id": "https://peer.example/u/bob#k", "owner": "https://peer.example/u/bob",
        "publicKeyPem": "x",
    },
    "tag": [{"type": "Emoji", "name": ":x:", "icon": {"type": "Image", "url": "https://x.y/z"}}],
    "attachment": [{"type": "PropertyValue", "name": "a", "value": "b"}],
    "alsoKnownAs": ["https://other.example/u"], "movedTo": "https://other.example/u",
}  # fmt: skip


@given(document=mutated(ACTOR))
def test_actors_that_are_nearly_right(document: Any) -> None:
    actor = attempt(Actor.parse, document)
    if actor is not None:
        sendable(actor.document())
        assert Actor.parse(actor.document()).document() == actor.document()
        assert all(key.owner == actor.id for key in actor.public_keys)
