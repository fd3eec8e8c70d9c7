"""A post that an app asks for: read, and reduced to what the app may decide.

A Note, a Question (a poll), an Article, a Page, an Event, a Video or an Audio becomes a post of
its type. An Image (or a Document) becomes a Note with that picture, which is how the fediverse
shows pictures. How pictures are named and asked for says `pictures`; where an app can only write
text, a first line such as `/imagine a lighthouse in a storm` asks for one (`fedi.studio.imagine`).
The prompt of an attachment is part of what is posted, and so is shared, unless the object says
`"shareRecipe": false`; that of a first line is shared if it says `--share`, or the object says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.exceptions import HTTPException

from activitypub.addressing import PUBLIC_NAMES
from activitypub.errors import Malformed
from activitypub.objects import Note, Poll, values
from fedi.api.client import audience, pictures
from fedi.api.client.audience import Audience
from fedi.api.client.pictures import Named, Wish
from fedi.social import kinds, polls, text
from fedi.social.errors import Invalid
from fedi.social.polls import DraftPoll

PLAIN_TYPES = frozenset({text.PLAIN, text.MARKDOWN})
PICTURES = frozenset({"Document", "Image"})  # what becomes a Note with that picture
TYPES = kinds.KINDS | PICTURES | {"Note", "Question"}
FILES = frozenset({"Audio", "Page", "Video"})  # what is about something at another address

# Of a Question that says no end; a day is what Mastodon's own page proposes.
USUAL_POLL = timedelta(days=1)

_DURATION = re.compile(r"P[0-9DHMSTWY.]{1,40}")


@dataclass(frozen=True, slots=True)
class Submission:
    """A post that an app asks for.

    Attributes:
        note: what it says; its ids, author and moments are the app's claims.
        kind: the type that it is to have, if it asks nothing.
        details: what its type says besides.
        text: what its author typed, if that is known.
        markdown: whether that is Markdown.
        content: HTML that was not sanitised yet, if it is not.
        warning: a content warning.
        audience: whom it is for.
        wishes: pictures that are asked for.
        named: pictures that are there already.
        quoters: who may quote it: public, followers or nobody; None: it does not say.
        sensitive: whether its pictures are marked; None: it does not say.
        share_recipe: whether the recipe of a picture is to be shared; None: it does not say.
    """

    note: Note
    kind: str
    details: kinds.Details
    text: str
    markdown: bool
    content: str
    warning: str
    audience: Audience
    wishes: tuple[Wish, ...]
    named: tuple[Named, ...]
    quoters: str | None = None
    sensitive: bool | None = None
    share_recipe: bool | None = None


def read(object_: dict[str, Any], activity: Mapping[str, Any], followers: str) -> Submission:
    """Read a post.

    Args:
        object_: the object of the Create.
        activity: the Create itself; what is addressed there, is so here.
        followers: the id of the author's followers collection.

    Raises:
        HTTPException: 400 for what ActivityPub does not allow.
        Invalid: 422 for what it allows and we do not do.
    """
    note = parsed(object_)
    addressed = audience.read([object_, activity], followers)
    wishes, named = pictures.read(_attached(object_, note.type))
    typed, markdown, content = words(note, object_)
    kind = note.type if note.type in kinds.KINDS else kinds.NOTE
    return Submission(
        note=note,
        kind=kind,
        details=details(note, object_) if kind != kinds.NOTE else {},
        text=typed,
        markdown=markdown,
        content=content,
        warning=warning(note),
        audience=addressed,
        wishes=wishes,
        named=named,
        quoters=quoters(note, followers),
        sensitive=note.sensitive if "sensitive" in object_ else None,
        share_recipe=_shared(object_),
    )


def parsed(object_: dict[str, Any]) -> Note:
    """An object as a post.

    Raises:
        HTTPException: 400 if it is none.
    """
    try:
        return Note.parse(object_, wishes=True)
    except Malformed as error:
        raise HTTPException(400, error.reason) from error


def _attached(object_: Mapping[str, Any], type_: str) -> Any:
    """The attachments of a post; an Image is one itself."""
    if type_ not in PICTURES:
        return object_.get("attachment")
    whole = {name: value for name, value in object_.items() if name not in {"attachment", "id"}}
    return [whole]


def quoters(note: Note, followers: str) -> str | None:
    """Who may quote, by the Note's own `interactionPolicy.canQuote`; None without one."""
    rule = note.interaction_policy.quote if note.interaction_policy is not None else None
    if rule is None:
        return None
    if not PUBLIC_NAMES.isdisjoint(rule.automatic):
        return "public"
    return "followers" if followers in rule.automatic else "nobody"


def words(note: Note, object_: Mapping[str, Any]) -> tuple[str, bool, str]:
    """What was typed and whether it is Markdown, or else the HTML that the app made of it."""
    typed, kind = "", ""
    if note.source is not None:
        typed, kind = note.source.content, _plain_type(note.source.media_type)
    if not kind:
        typed, kind = note.content, _plain_type(object_.get("mediaType"))
    if kind:
        return typed, kind == text.MARKDOWN, ""
    if note.type == "Question" and not note.content and note.name:  # some ask by the name
        return note.name, False, ""
    return "", False, note.content


def warning(note: Note) -> str:
    """The content warning. The `summary` of what is no Note is about it, rather than against it,
    unless it is called sensitive; that of an Image is its alt text."""
    if note.type in PICTURES or (note.type in kinds.KINDS and not note.sensitive):
        return ""
    return note.summary or ""


def details(note: Note, object_: Mapping[str, Any]) -> kinds.Details:
    """What a post that is no Note says besides its words; what makes no sense is passed over."""
    said: dict[str, Any] = {"name": text.name(note.name or "", kinds.MAX_TITLE + 1)}
    for name in kinds.MOMENTS:
        said[name] = values.stamp(values.moment(object_.get(name)))
    duration = object_.get("duration")
    if isinstance(duration, str) and _DURATION.fullmatch(duration):
        said["duration"] = duration
    said["location"] = _place(object_.get("location"))
    if not note.sensitive and note.summary:
        said["summary"] = text.plain(note.summary)[: kinds.MAX_DETAIL]
    if note.type in FILES:
        said["file"] = _file(object_.get("url"))
    return {name: value for name, value in said.items() if value}


def _place(value: Any) -> dict[str, Any] | None:
    place = value[0] if isinstance(value, list) and value else value
    if isinstance(place, str):
        place = {"name": place}
    if not isinstance(place, Mapping):
        return None
    said: dict[str, Any] = {"type": "Place"}
    for name in ("name", "address"):
        if isinstance(place.get(name), str):
            said[name] = text.name(place[name], kinds.MAX_DETAIL)
    for name in ("latitude", "longitude"):
        if (found := values.number(place.get(name))) is not None and abs(found) <= 180:
            said[name] = found
    return said if len(said) > 1 else None


def _file(url: Any) -> dict[str, str] | None:
    """Where a video, a sound or a page is, and of what type that is."""
    for entry in values.entries(url, 20):
        href = values.web_uri(entry)
        if href is None:
            continue
        kind = entry.get("mediaType") if isinstance(entry, Mapping) else None
        known = isinstance(kind, str) and len(kind) <= 128
        return {"href": href, **({"mediaType": kind} if known and isinstance(kind, str) else {})}
    return None


def poll(asked: Poll, now: datetime) -> DraftPoll:
    """A poll as it is published.

    Raises:
        Invalid: it is over already.
    """
    if asked.closed or (asked.ends is not None and asked.ends <= now):
        raise Invalid(polls.ENDED)
    lasts = USUAL_POLL if asked.ends is None else asked.ends - now
    return DraftPoll(
        options=[option.name for option in asked.options],
        expires_in=int(lasts.total_seconds()),
        multiple=asked.multiple,
    )


def is_vote(note: Note) -> bool:
    """Whether a post can only be a vote: it answers something by a name, and says nothing."""
    answers = note.type == "Note" and note.in_reply_to is not None and bool(note.name)
    return answers and not note.content and not note.attachments


def _plain_type(value: object) -> str:
    """A media type of words rather than markup, without its parameters; else nothing."""
    kind = value.split(";")[0].strip().lower() if isinstance(value, str) else ""
    return kind if kind in PLAIN_TYPES else ""


def _shared(object_: Mapping[str, Any]) -> bool | None:
    shared = object_.get("shareRecipe")
    if not isinstance(shared, bool | None):
        raise HTTPException(400, "“shareRecipe” must be true or false.")
    return shared
