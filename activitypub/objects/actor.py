"""Actors: people, services, applications."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from activitypub.errors import Malformed
from activitypub.objects import values
from activitypub.objects.attachment import Attachment
from activitypub.objects.tag import Tag, parse_tags

ACTOR_TYPES = frozenset({"Application", "Group", "Organization", "Person", "Service"})

USERNAME_LIMIT = 2048
"""Characters (Mastodon FEDERATION.md)."""

SUMMARY_LIMIT = 20_000
"""Characters of a biography (Mastodon FEDERATION.md: 20 kB)."""

FIELDS_LIMIT = 50
FIELD_LIMIT = 2047
"""Profile fields and characters of each (Mastodon FEDERATION.md)."""

KEYS_LIMIT = 10
"""Public keys of one actor (Mastodon 4.6 `process_account_service.rb`); as many Multikeys."""

KEY_LIMIT = 16_384
"""Characters of a PEM."""

ALIASES_LIMIT = 256
"""Entries of `alsoKnownAs` (Mastodon FEDERATION.md)."""


class PublicKey(Struct, frozen=True, kw_only=True):
    """A key as it is published: `pem` is text that was not looked at yet."""

    id: str
    owner: str
    pem: str

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> PublicKey:
        """Read a key; `controller` is accepted for `owner`."""
        if not isinstance(document, Mapping):
            raise Malformed("The public key is no object.")
        owner = values.uri(document.get("owner")) or values.uri(document.get("controller"))
        pem = document.get("publicKeyPem")
        if owner is None or not isinstance(pem, str) or len(pem) > KEY_LIMIT:
            raise Malformed("The public key has no owner or no PEM.")
        return cls(id=values.required_uri(document, "id"), owner=owner, pem=pem)

    def document(self) -> dict[str, Any]:
        return {"id": self.id, "owner": self.owner, "publicKeyPem": self.pem}


class Multikey(Struct, frozen=True, kw_only=True):
    """A key of `assertionMethod` (FEP-521a): `multibase` is text that was not looked at yet."""

    id: str
    controller: str
    multibase: str

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Multikey:
        """Read a Multikey."""
        if not isinstance(document, Mapping) or values.kind(document) != "Multikey":
            raise Malformed("The key is no Multikey.")
        controller = values.uri(document.get("controller"))
        text = document.get("publicKeyMultibase")
        if controller is None or not isinstance(text, str) or len(text) > KEY_LIMIT:
            raise Malformed("The key has no controller or no publicKeyMultibase.")
        return cls(id=values.required_uri(document, "id"), controller=controller, multibase=text)

    def document(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": "Multikey",
            "controller": self.controller,
            "publicKeyMultibase": self.multibase,
        }


class Field(Struct, frozen=True, kw_only=True):
    """A line of the profile's table. `value` is HTML that was not sanitised yet."""

    name: str
    value: str

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Field:
        if not isinstance(document, Mapping) or values.kind(document) not in (
            "PropertyValue",
            "schema:PropertyValue",
        ):
            raise Malformed("The profile field is no PropertyValue.")
        name = values.text(document.get("name"), FIELD_LIMIT)
        value = values.text(document.get("value"), FIELD_LIMIT)
        if name is None or value is None:
            raise Malformed("The profile field has no name or no value.")
        return cls(name=name, value=value)

    def document(self) -> dict[str, Any]:
        return {"type": "PropertyValue", "name": self.name, "value": self.value}


class Capability(Struct, frozen=True, kw_only=True):
    """Something that software can do and that cannot be told from its documents (FEP-844e)."""

    href: str
    name: str

    def document(self) -> dict[str, Any]:
        return {"type": "Link", "href": self.href, "name": self.name}


class Generator(Struct, frozen=True, kw_only=True):
    """The software that an actor runs on or that made an object (AS2 `generator`).

    `implements` is written, and not read: we try, and remember what came of it.
    """

    name: str | None = None
    id: str | None = None
    url: str | None = None
    type: str = "Application"
    implements: tuple[Capability, ...] = ()

    @classmethod
    def parse(cls, document: Mapping[str, Any] | str) -> Generator:
        if isinstance(document, str):
            return cls(id=values.uri(document))
        if not isinstance(document, Mapping):
            raise Malformed("The generator is no object.")
        return cls(
            type=values.kind(document),
            id=values.uri(document.get("id")),
            name=values.text(document.get("name"), values.NAME_LIMIT),
            url=values.page_url(document.get("url")),
        )

    def document(self) -> dict[str, Any]:
        return values.compact(
            {
                "type": self.type,
                "id": self.id,
                "name": self.name,
                "url": self.url,
                "implements": [each.document() for each in self.implements] or None,
            }
        )


class Actor(Struct, frozen=True, kw_only=True):
    """An actor. `summary` is HTML that was not sanitised yet.

    `webfinger` is FEP-2c59's `user@host`; `featured` is the collection of pinned posts,
    `featured_tags` that of the hashtags on the profile. What only the account's own apps use is
    written, and not read: the follows that wait for an answer (FEP-4ccd), the blocks (FEP-c648),
    the `event_stream`, the endpoints `proxy_url` and `upload_media`, where apps get leave to act
    for the actor (ActivityPub 4.1), and `object_as_client_id`: whether they may be known by the id
    of an object there (FEP-d8c2). So are `attribution_domains`, those whose pages may name the
    actor as an author (we make no cards of pages), and `suspended`: what others decide about their
    people is seen by what they serve.
    """

    id: str
    type: str = "Person"
    preferred_username: str
    inbox: str
    outbox: str | None = None
    followers: str | None = None
    following: str | None = None
    liked: str | None = None
    featured: str | None = None
    featured_tags: str | None = None
    pending_followers: str | None = None
    pending_following: str | None = None
    blocked: str | None = None
    event_stream: str | None = None
    proxy_url: str | None = None
    upload_media: str | None = None
    shared_inbox: str | None = None
    oauth_authorization: str | None = None
    oauth_token: str | None = None
    oauth_registration: str | None = None
    object_as_client_id: bool | None = None
    name: str | None = None
    summary: str | None = None
    url: str | None = None
    icon: Attachment | None = None
    image: Attachment | None = None
    fields: tuple[Field, ...] = ()
    tags: tuple[Tag, ...] = ()
    public_keys: tuple[PublicKey, ...] = ()
    assertion_methods: tuple[Multikey, ...] = ()
    manually_approves_followers: bool = False
    discoverable: bool | None = None
    indexable: bool | None = None
    suspended: bool | None = None
    published: datetime | None = None
    also_known_as: tuple[str, ...] = ()
    attribution_domains: tuple[str, ...] = ()
    moved_to: str | None = None
    webfinger: str | None = None
    generator: Generator | None = None
    robots: str | None = None  # what `X-Robots-Tag` would say of what they make

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Actor:
        """Read an actor document.

        Raises `Malformed` without id, inbox, name for a handle, or with a type that is none of
        the five. Keys of another owner are left out: nobody may speak for someone else.
        """
        if not isinstance(document, Mapping):
            raise Malformed("The actor is no object.")
        type_ = values.kind(document)
        if type_ not in ACTOR_TYPES:
            raise Malformed(f"The type {type_} is not an actor's.")
        id_ = values.required_uri(document, "id")
        webfinger = values.text(document.get("webfinger"), USERNAME_LIMIT)
        username = values.text(document.get("preferredUsername"), USERNAME_LIMIT)
        if not username and webfinger:
            username = webfinger.removeprefix("acct:").lstrip("@").split("@")[0]
        if not username:
            raise Malformed("The actor has no preferredUsername.")
        inbox = values.web_uri(document.get("inbox"))
        if inbox is None:
            raise Malformed("The actor has no inbox.")
        endpoints = document.get("endpoints")
        shared = endpoints.get("sharedInbox") if isinstance(endpoints, Mapping) else None
        keys = values.records(document.get("publicKey"), KEYS_LIMIT, PublicKey.parse)
        methods = values.records(document.get("assertionMethod"), KEYS_LIMIT, Multikey.parse)
        return cls(
            id=id_,
            type=type_,
            preferred_username=username,
            inbox=inbox,
            outbox=values.web_uri(document.get("outbox")),
            followers=values.web_uri(document.get("followers")),
            following=values.web_uri(document.get("following")),
            liked=values.web_uri(document.get("liked")),
            featured=values.web_uri(document.get("featured")),
            featured_tags=values.web_uri(document.get("featuredTags")),
            shared_inbox=values.web_uri(shared or document.get("sharedInbox")),
            name=values.mapped(document, "name", values.NAME_LIMIT)[0],
            summary=values.mapped(document, "summary", SUMMARY_LIMIT)[0],
            url=values.page_url(document.get("url")),
            icon=_picture(document.get("icon")),
            image=_picture(document.get("image")),
            fields=values.records(document.get("attachment"), FIELDS_LIMIT, Field.parse),
            tags=parse_tags(document.get("tag")),
            public_keys=tuple(key for key in keys if key.owner == id_),
            assertion_methods=tuple(key for key in methods if key.controller == id_),
            manually_approves_followers=bool(
                values.boolean(document.get("manuallyApprovesFollowers"))
            ),
            discoverable=values.boolean(document.get("discoverable")),
            indexable=values.boolean(document.get("indexable")),
            published=values.moment(document.get("published")),
            also_known_as=values.uris(document.get("alsoKnownAs"), ALIASES_LIMIT),
            moved_to=values.web_uri(document.get("movedTo")),
            webfinger=webfinger,
            generator=next(
                iter(values.records(document.get("generator"), 1, Generator.parse)), None
            ),
        )

    def document(self) -> dict[str, Any]:
        keys = [key.document() for key in self.public_keys]
        endpoints = values.compact(
            {
                "sharedInbox": self.shared_inbox,
                "oauthAuthorizationEndpoint": self.oauth_authorization,
                "oauthTokenEndpoint": self.oauth_token,
                "oauthRegistrationEndpoint": self.oauth_registration,
                "proxyUrl": self.proxy_url,
                "uploadMedia": self.upload_media,
            }
        )
        return values.compact(
            {
                "id": self.id,
                "type": self.type,
                "preferredUsername": self.preferred_username,
                "inbox": self.inbox,
                "outbox": self.outbox,
                "followers": self.followers,
                "following": self.following,
                "liked": self.liked,
                "featured": self.featured,
                "featuredTags": self.featured_tags,
                "pendingFollowers": self.pending_followers,
                "pendingFollowing": self.pending_following,
                "blocked": self.blocked,
                "eventStream": self.event_stream,
                "endpoints": endpoints or None,
                "objectIDAsClientID": self.object_as_client_id,
                "name": self.name,
                "summary": self.summary,
                "url": self.url,
                "icon": self.icon.document() if self.icon else None,
                "image": self.image.document() if self.image else None,
                "attachment": [field.document() for field in self.fields] or None,
                "tag": [tag.document() for tag in self.tags] or None,
                "manuallyApprovesFollowers": self.manually_approves_followers,
                "discoverable": self.discoverable,
                "indexable": self.indexable,
                "suspended": self.suspended,
                "published": values.stamp(self.published),
                "alsoKnownAs": list(self.also_known_as) or None,
                "attributionDomains": list(self.attribution_domains) or None,
                "movedTo": self.moved_to,
                "webfinger": self.webfinger,
                "generator": self.generator.document() if self.generator else None,
                "xRobotsTag": self.robots,
                # one key stays an object: many readers look for nothing else
                "publicKey": keys[0] if len(keys) == 1 else keys or None,
                "assertionMethod": [key.document() for key in self.assertion_methods] or None,
            }
        )


def _picture(value: Any) -> Attachment | None:
    for picture in values.records(value, 10, Attachment.parse):
        if picture.url:
            return picture
    return None
