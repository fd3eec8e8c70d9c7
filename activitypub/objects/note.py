"""Posts: notes, and everything else that is read like one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from activitypub.errors import Malformed
from activitypub.objects import values
from activitypub.objects.actor import Generator
from activitypub.objects.attachment import Attachment, parse_attachments
from activitypub.objects.policy import InteractionPolicy
from activitypub.objects.poll import Poll
from activitypub.objects.tag import TAGS_LIMIT, Tag, parse_tags

NOTE_TYPES = frozenset(
    {
        "Article", "Audio", "Document", "Event", "Image", "Note", "Page", "Place", "Question",
        "Video",
    }
)  # fmt: skip
"""What Mastodon 4.6 takes for a status, and the vocabulary's other types that have authors."""

PREVIEWS_LIMIT = 10
"""Renditions read of an object's `icon` or `image`; PeerTube sends two."""

OBJECT_LINK_TYPES = ("application/ld+json", "application/activity+json")
"""Media types of a Link that names an object rather than a page (FEP-e232)."""


class Source(Struct, frozen=True, kw_only=True):
    """What the author typed (ActivityPub 3.3)."""

    content: str
    media_type: str = "text/plain"

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Source:
        content = values.text(document.get("content")) if isinstance(document, Mapping) else None
        if content is None:
            raise Malformed("The source has no content.")
        return cls(
            content=content,
            media_type=values.text(document.get("mediaType"), 256) or "text/plain",
        )

    def document(self) -> dict[str, Any]:
        return {"content": self.content, "mediaType": self.media_type}


class CollectionLink(Struct, frozen=True, kw_only=True):
    """A collection by address, and how many it says it has (`replies`, `likes`, `shares`)."""

    id: str | None = None
    total_items: int | None = None

    @classmethod
    def parse(cls, document: Mapping[str, Any] | str) -> CollectionLink:
        if isinstance(document, Mapping):
            return cls(
                id=values.web_uri(document.get("id")),
                total_items=values.integer(document.get("totalItems")),
            )
        return cls(id=values.web_uri(document))

    def document(self) -> dict[str, Any] | str | None:
        """The address alone, or a Collection with its count."""
        if self.total_items is None:
            return self.id
        return values.compact({"id": self.id, "type": "Collection", "totalItems": self.total_items})


class Link(Struct, frozen=True, kw_only=True):
    """An address with what is there."""

    href: str
    media_type: str | None = None

    def document(self) -> dict[str, Any]:
        return values.compact({"type": "Link", "mediaType": self.media_type, "href": self.href})


class Note(Struct, frozen=True, kw_only=True):
    """A post. `content` is HTML that was not sanitised yet; `summary` is the content warning.

    `language` is the first key of `contentMap`. `name` is the title of an Article and its like.
    `bto` and `bcc` are read, never written. `is_based_on` is the post that this one is a remix
    of (schema:isBasedOn). Without `id` it is what an app posts to an outbox. `media_type` is that
    of `content`, if it is not HTML. `previews` are the `icon` or `image` of what is no Note.
    `quote_authorization` and `approved_by` name stamps, which only their own server can confirm.
    `details` are properties of its type (an Event's `startTime`) that are written as they are;
    `files`, what a Video or an Audio is about, stand in `url` behind the page. Neither is read.
    """

    id: str | None = None
    type: str = "Note"
    attributed_to: str | None = None
    content: str = ""
    language: str | None = None
    name: str | None = None
    summary: str | None = None
    sensitive: bool = False
    source: Source | None = None
    url: str | None = None
    published: datetime | None = None
    updated: datetime | None = None
    in_reply_to: str | None = None
    conversation: str | None = None
    context: str | None = None
    quote: str | None = None
    quote_authorization: str | None = None
    approved_by: str | None = None
    interaction_policy: InteractionPolicy | None = None
    poll: Poll | None = None
    media_type: str | None = None
    previews: tuple[Attachment, ...] = ()
    is_based_on: str | None = None
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bto: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    tags: tuple[Tag, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    replies: CollectionLink | None = None
    likes: CollectionLink | None = None
    shares: CollectionLink | None = None
    generator: Generator | None = None
    details: Mapping[str, Any] = {}
    files: tuple[Link, ...] = ()

    @classmethod
    def parse(cls, document: Mapping[str, Any], *, wishes: bool = False) -> Note:
        """Read a post.

        With `wishes`, attachments without an address are kept: that is how an app asks for a
        picture. Raises `Malformed` if the document is no object or of another type.
        """
        if not isinstance(document, Mapping):
            raise Malformed("The object is no object.")
        type_ = values.kind(document)
        if type_ not in NOTE_TYPES:
            raise Malformed(f"The type {type_} is not a post's.")
        content, language = _content(document)
        return cls(
            id=values.uri(document.get("id")),
            type=type_,
            attributed_to=values.author(document.get("attributedTo")),
            content=content,
            language=language,
            name=values.mapped(document, "name", values.NAME_LIMIT)[0],
            summary=values.mapped(document, "summary")[0],
            sensitive=bool(values.boolean(document.get("sensitive"))),
            source=_first(document.get("source"), Source.parse),
            url=values.page_url(document.get("url")),
            published=values.moment(document.get("published")),
            updated=values.moment(document.get("updated")),
            in_reply_to=values.uri(document.get("inReplyTo")),
            conversation=values.text(document.get("conversation"), values.URI_LIMIT),
            context=values.uri(document.get("context")),
            quote=_quote(document),
            quote_authorization=values.web_uri(document.get("quoteAuthorization")),
            # The second name is that of GoToSocial before 0.21.
            approved_by=values.web_uri(
                document.get("replyAuthorization") or document.get("approvedBy")
            ),
            interaction_policy=_first(document.get("interactionPolicy"), InteractionPolicy.parse),
            poll=Poll.parse(document) if type_ == "Question" else None,
            media_type=values.text(document.get("mediaType"), values.NAME_LIMIT),
            previews=_previews(document),
            is_based_on=values.web_uri(
                document.get("isBasedOn") or document.get("schema:isBasedOn")
            ),
            to=values.uris(document.get("to")),
            cc=values.uris(document.get("cc")),
            bto=values.uris(document.get("bto")),
            bcc=values.uris(document.get("bcc")),
            audience=values.uris(document.get("audience")),
            tags=parse_tags(document.get("tag")),
            attachments=parse_attachments(document.get("attachment"), wishes=wishes),
            replies=_first(document.get("replies"), CollectionLink.parse),
            likes=_first(document.get("likes"), CollectionLink.parse),
            shares=_first(document.get("shares"), CollectionLink.parse),
            generator=_first(document.get("generator"), Generator.parse),
        )

    def document(self) -> dict[str, Any]:
        return values.compact(
            {
                "id": self.id,
                "type": self.type,
                "attributedTo": self.attributed_to,
                "inReplyTo": self.in_reply_to,
                "published": values.stamp(self.published),
                "updated": values.stamp(self.updated),
                "url": self._urls(),
                "to": list(self.to),
                "cc": list(self.cc),
                "audience": list(self.audience) or None,
                "name": self.name,
                "summary": self.summary,
                "sensitive": self.sensitive,
                "content": self.content,
                "contentMap": {self.language: self.content} if self.language else None,
                "source": self.source.document() if self.source else None,
                "conversation": self.conversation,
                "context": self.context,
                "quote": self.quote,
                "quoteAuthorization": self.quote_authorization,
                "approvedBy": self.approved_by,
                "interactionPolicy": self.interaction_policy.document()
                if self.interaction_policy
                else None,
                **(self.poll.document() if self.poll else {}),
                "isBasedOn": self.is_based_on,
                "generator": self.generator.document() if self.generator else None,
                "attachment": [attachment.document() for attachment in self.attachments],
                "tag": [tag.document() for tag in self.tags],
                "replies": self.replies.document() if self.replies else None,
                "likes": self.likes.document() if self.likes else None,
                "shares": self.shares.document() if self.shares else None,
                **self.details,
            }
        )

    def _urls(self) -> Any:
        if not self.files or self.url is None:
            return self.url
        page = Link(href=self.url, media_type="text/html")
        return [link.document() for link in (page, *self.files)]


def _first(value: Any, parse: Any) -> Any:
    return next(iter(values.records(value, 1, parse)), None)


def _content(document: Mapping[str, Any]) -> tuple[str, str | None]:
    content, language = values.mapped(document, "content")
    return content or "", None if language == "und" else language


def _previews(document: Mapping[str, Any]) -> tuple[Attachment, ...]:
    """Pictures that stand for the object: PeerTube writes `icon`, Lemmy and Mobilizon `image`."""
    for name in ("image", "icon"):
        found = values.records(document.get(name), PREVIEWS_LIMIT, Attachment.parse)
        if shown := tuple(picture for picture in found if picture.url):
            return shown
    return ()


def _quote(document: Mapping[str, Any]) -> str | None:
    # FEP-044f, Misskey, Fedibird, Pleroma
    for name in ("quote", "_misskey_quote", "quoteUrl", "quoteUri"):
        if quoted := values.web_uri(document.get(name)):
            return quoted
    # FEP-e232: a Link to an object; some quote by nothing else
    for entry in values.entries(document.get("tag"), TAGS_LIMIT):
        if not isinstance(entry, Mapping) or entry.get("type") != "Link":
            continue
        media_type = values.text(entry.get("mediaType"), values.NAME_LIMIT) or ""
        relations = [values.text(name) or "" for name in values.entries(entry.get("rel"), 10)]
        if media_type.startswith(OBJECT_LINK_TYPES) and any("quote" in rel for rel in relations):
            return values.web_uri(entry.get("href"))
    return None
