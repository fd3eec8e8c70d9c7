"""One typed record per concept; untrusted JSON to record and record to JSON side by side."""

from __future__ import annotations

from activitypub.objects.activity import Activity, Extension
from activitypub.objects.actor import Actor, Capability, Field, Generator, Multikey, PublicKey
from activitypub.objects.attachment import Attachment
from activitypub.objects.collection import Collection, CollectionPage
from activitypub.objects.note import CollectionLink, Link, Note, Source
from activitypub.objects.policy import Approval, InteractionPolicy, Rule
from activitypub.objects.poll import Poll, PollOption
from activitypub.objects.tag import Emoji, Hashtag, Mention, Tag
from activitypub.objects.tombstone import Tombstone

__all__ = [
    "Activity",
    "Actor",
    "Approval",
    "Attachment",
    "Capability",
    "Collection",
    "CollectionLink",
    "CollectionPage",
    "Emoji",
    "Extension",
    "Field",
    "Generator",
    "Hashtag",
    "InteractionPolicy",
    "Link",
    "Mention",
    "Multikey",
    "Note",
    "Poll",
    "PollOption",
    "PublicKey",
    "Rule",
    "Source",
    "Tag",
    "Tombstone",
]
