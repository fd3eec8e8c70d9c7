"""Any JSON at all is read or called malformed, and what was read can be written and read again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activitypub import nodeinfo, webfinger
from activitypub.errors import Malformed
from activitypub.json import decode, encode
from activitypub.nodeinfo import NodeInfo
from activitypub.objects import (
    Activity,
    Actor,
    Approval,
    Attachment,
    Collection,
    CollectionPage,
    InteractionPolicy,
    Note,
    Poll,
    Tombstone,
)
from activitypub.objects.activity import ACTIVITY_TYPES
from activitypub.objects.actor import ACTOR_TYPES
from activitypub.objects.attachment import MEDIA_TYPES
from activitypub.objects.collection import COLLECTION_TYPES, PAGE_TYPES
from activitypub.objects.note import NOTE_TYPES
from activitypub.objects.policy import APPROVAL_TYPES

NAMES = st.sampled_from(
    [
        "id", "type", "actor", "object", "target", "to", "cc", "bto", "bcc", "audience",
        "published", "updated", "result", "url", "href", "name", "nameMap", "summary", "summaryMap",
        "content", "contentMap", "source", "mediaType", "attributedTo", "inReplyTo", "tag", "icon",
        "image", "attachment", "publicKey", "owner", "controller", "publicKeyPem", "endpoints",
        "sharedInbox", "inbox", "outbox", "followers", "following", "featured", "preferredUsername",
        "webfinger", "manuallyApprovesFollowers", "discoverable", "alsoKnownAs", "movedTo",
        "generator", "value", "sensitive", "conversation", "context", "quote", "isBasedOn", "width",
        "height", "blurhash", "focalPoint", "size", "license", "digitalSourceType", "AISystemUsed",
        "AIPromptInformation", "replies", "likes", "shares", "totalItems", "first", "last", "next",
        "prev", "partOf", "items", "orderedItems", "formerType", "deleted", "subject", "links",
        "interactionPolicy", "canReply", "canQuote", "automaticApproval", "manualApproval",
        "always", "approvalRequired", "interactingObject", "interactionTarget", "approvedBy",
        "quoteAuthorization", "replyAuthorization", "instrument", "oneOf", "anyOf", "endTime",
        "closed", "votersCount",
        "rel", "software", "version", "usage", "users", "total", "metadata",
    ]
)  # fmt: skip
TYPES = st.sampled_from(
    sorted(
        ACTIVITY_TYPES
        | ACTOR_TYPES
        | MEDIA_TYPES
        | COLLECTION_TYPES
        | PAGE_TYPES
        | NOTE_TYPES
        | APPROVAL_TYPES
        | {"Mention", "Hashtag", "Emoji", "PropertyValue", "Tombstone", "Link"}
    )
)
URIS = st.sampled_from(
    ["https://a.example/1", "https://a.example/2#x", "http://[", "https://\ud800", "acct:a@b", ""]
)
SCALARS = (
    TYPES
    | URIS
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.datetimes().map(lambda moment: moment.isoformat())
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES | st.text(max_size=4), inner, max_size=6)
        | st.fixed_dictionaries(
            {"type": TYPES, "id": URIS}, optional={"name": inner, "url": inner, "href": inner}
        )
    ),
    max_leaves=25,
)
DOCUMENTS = ANYTHING | st.dictionaries(NAMES, ANYTHING, max_size=12).flatmap(
    lambda document: st.fixed_dictionaries({"type": TYPES, "id": URIS}).map(
        lambda base: {**document, **base}
    )
)
PARSERS = [
    Activity,
    Actor,
    Approval,
    Attachment,
    Collection,
    CollectionPage,
    InteractionPolicy,
    Note,
    Tombstone,
]


@settings(max_examples=60)
@pytest.mark.parametrize("record", PARSERS, ids=lambda record: str(record.__name__))
@given(document=DOCUMENTS)
def test_any_document_is_read_or_malformed(record: Any, document: Any) -> None:
    try:
        read = record.parse(document)
    except Malformed:
        return
    except (AttributeError, TypeError) as error:
        raise AssertionError(f"{record.__name__} choked on {document!r}") from error
    written = read.document()
    if record not in (Activity, Collection, CollectionPage):  # they carry objects unread
        written = decode(encode(written))
        assert record.parse(written).document() == written


@settings(max_examples=60)
@given(document=DOCUMENTS)
def test_any_answer_of_discovery_is_read_or_malformed(document: Any) -> None:
    for parse in (webfinger.parse, NodeInfo.parse, nodeinfo.parse_discovery):
        try:
            parse(document)
        except Malformed:
            pass


@settings(max_examples=60)
@given(options=ANYTHING, others=st.dictionaries(NAMES, ANYTHING, max_size=4))
def test_any_poll_has_options_with_names_and_counts_that_fit_a_column(
    options: Any, others: dict[str, Any]
) -> None:
    poll = Poll.parse({**others, "type": "Question", "oneOf": options})
    if poll is not None:
        assert all(option.name and 0 <= option.votes < 2**31 for option in poll.options)
        assert poll.voters is None or 0 <= poll.voters < 2**31
