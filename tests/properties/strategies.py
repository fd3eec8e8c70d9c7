"""What may come from outside: any JSON, and activities that are nearly right."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.federation.peer import AS2, PUBLIC

TYPES = [
    "Accept", "Add", "Announce", "Block", "Create", "Delete", "Dislike", "EmojiReact", "Flag",
    "Follow", "Like", "Move", "Question", "QuoteRequest", "Reject", "Remove", "Undo", "Update",
    "View", "Note", "Article", "Person", "Service", "Group", "Tombstone", "Image", "Document",
    "Mention", "Hashtag", "Emoji", "Collection", "OrderedCollectionPage", "PropertyValue", "Link",
    "Key", "Multikey", "DataIntegrityProof",
]  # fmt: skip
NAMES = [
    "@context", "id", "type", "actor", "object", "target", "to", "cc", "bto", "bcc", "audience",
    "attributedTo", "content", "contentMap", "summary", "summaryMap", "name", "nameMap", "url",
    "href", "tag", "attachment", "icon", "image", "inReplyTo", "published", "updated", "deleted",
    "replies", "first", "next", "prev", "partOf", "items", "orderedItems", "totalItems",
    "publicKey", "owner", "controller", "publicKeyPem", "preferredUsername", "inbox", "outbox",
    "followers", "following", "featured", "endpoints", "sharedInbox", "movedTo", "alsoKnownAs",
    "webfinger", "mediaType", "width", "height", "blurhash", "focalPoint", "digestMultibase",
    "size",
    "sensitive", "license", "generator", "source", "conversation", "context", "quote", "isBasedOn",
    "value", "formerType", "result", "instrument", "likes", "shares", "digitalSourceType",
    "AISystemUsed", "assertionMethod", "proof", "oneOf", "anyOf", "endTime", "closed",
    "votersCount", "startTime",
]  # fmt: skip
ODD = [
    "", " ", "\u202e", "http://[", "http://[::1", "http://a:b:c/", "http://peer.localhost:99999/",
    "https://", "http:///", "HTTP://EXAMPLE.ORG", "javascript:alert(1)", "urn:x", "as:Public",
    "Public", PUBLIC, AS2, "acct:a@b", "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-14:00",
    "2026-02-30T00:00:00Z", "1970-01-01T00:00:00Z", "2026-01-01", "true", "<p>hello</p>", "<" * 50,
    "http://" + "é" * 200 + ".example/", "http://xn--a.example/", "http://a_b.example/",
    "https://example.org/" + "\U0001f600" * 1500, "http://example.org/%00", "x" * 3000,
    "\U0001f600" * 1000, "http://user:password@example.org/", "http://example.org\\@evil.example/",
]  # fmt: skip

words = st.one_of(st.sampled_from(ODD), st.text(max_size=40))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    words,
)


def anything(*more: Any) -> st.SearchStrategy[Any]:
    """Any JSON; `more` are values that it holds more often."""
    leaves = st.one_of(scalars, st.sampled_from(more)) if more else scalars
    names = st.one_of(st.sampled_from(NAMES), st.text(max_size=8))
    kinds = st.sampled_from(TYPES)
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(names, inner, max_size=5),
            st.builds(
                lambda kind, rest: {"type": kind, **rest},
                kinds,
                st.dictionaries(names, inner, max_size=5),
            ),
        ),
        max_leaves=12,
    )


def objects(*more: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Any JSON object with names that mean something."""
    names = st.one_of(st.sampled_from(NAMES), st.text(max_size=8))
    return st.builds(
        lambda kind, rest: {"type": kind, **rest},
        st.one_of(st.sampled_from(TYPES), anything()),
        st.dictionaries(names, anything(*more), max_size=8),
    )


@st.composite
def mutated(draw: st.DrawFn, document: Any, *more: Any) -> Any:
    """A valid document with one to four things in it that are something else, gone or doubled."""
    document = _copy(document)
    for _ in range(draw(st.integers(1, 4))):
        places = list(_places(document))
        if not places:
            break
        container, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["other", "other", "gone", "listed", "wrapped", "named"])):
            case "other":
                container[key] = draw(anything(*more))
            case "gone":
                del container[key]
            case "listed":
                container[key] = [container[key], draw(anything(*more))]
            case "wrapped":
                container[key] = {"id": container[key], "type": draw(st.sampled_from(TYPES))}
            case "named" if isinstance(container, dict):
                container[draw(st.sampled_from(NAMES))] = draw(anything(*more))
    return document


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(member) for name, member in value.items()}
    return [_copy(member) for member in value] if isinstance(value, list) else value


def _places(value: Any) -> Any:
    members: Any = ()
    if isinstance(value, dict):
        members = list(value.items())
    elif isinstance(value, list):
        members = list(enumerate(value))
    for key, member in members:
        yield value, key
        yield from _places(member)
