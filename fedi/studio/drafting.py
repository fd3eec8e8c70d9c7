"""The post that a picture is for, as an app writes and reads it.

    {"text": "Look!", "markdown": false, "html": null, "spoiler_text": "", "sensitive": false,
     "visibility": "public" | "unlisted" | "private" | "direct", "language": null | "en",
     "in_reply_to_id": null | "1", "quoted_status_id": null | "1", "media_ids": [],
     "recipients": [], "blind": [],
     "quoters": "public" | "followers" | "nobody", "based_on_uri": null,
     "training": null | true | false, "scheduled_at": null | "2026-12-24T18:00:00Z"}

All of it may be left out. With `html` the `text` counts for nothing. `media_ids` are pictures that
come before the painted one; `recipients` and `blind` are ids of accounts; `training` says whether
others may train on the pictures, null: as on all of the author's; `scheduled_at` is when it is
posted, if its picture is there by then, null: as soon as it is there. What is read of a painting
can be sent as it is with the next: so a post that came to nothing is a draft.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from fedi import ids
from fedi.social import drafts, scheduling, statuses, text
from fedi.social.drafts import Draft
from fedi.social.errors import Invalid

QUOTERS = ("public", "followers", "nobody")
# A post with pictures asks nothing; types besides Note are for ActivityPub's own clients; which app
# asks says its token; these words are posted as they are anyway; and only an assistant names who
# asks it in place of who is credited.
NOT_HERE = ("poll", "kind", "details", "application_id", "verbatim", "names_parent")
OF_STATUSES = ("in_reply_to_id", "quoted_status_id")
IDS = ("media_ids", "recipients", "blind")
MAX_IDS = 2 * text.MAX_MENTIONS  # of one list; what is allowed, and more than enough to say so


def parse(value: object) -> Draft | None:
    """A post as an app wrote it; None if it wrote none.

    Raises:
        Invalid: with what to change.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise Invalid("“post” must be an object.")
    for name in value:
        if name not in NAMES:
            raise Invalid(f"A post has no field “{str(name)[:40]}”.")
    return Draft(
        text=words(value, "text", text.MAX_TEXT),
        markdown=flag(value, "markdown"),
        content_html=words(value, "html", text.MAX_REMOTE_HTML) or None,
        spoiler_text=words(value, "spoiler_text", statuses.MAX_SPOILER),
        sensitive=flag(value, "sensitive"),
        visibility=_one_of(value, "visibility", statuses.VISIBILITIES),
        language=words(value, "language", 35) or None,
        in_reply_to_id=_id(value.get("in_reply_to_id"), "in_reply_to_id"),
        quoted_status_id=_id(value.get("quoted_status_id"), "quoted_status_id"),
        media_ids=_ids(value, "media_ids"),
        recipients=_ids(value, "recipients"),
        blind=_ids(value, "blind"),
        based_on_uri=words(value, "based_on_uri", drafts.MAX_URI) or None,
        quoters=_one_of(value, "quoters", QUOTERS),
        training=flag(value, "training") if value.get("training") is not None else None,
        scheduled_at=_moment(value, "scheduled_at"),
    )


def document(draft: Mapping[str, Any]) -> dict[str, Any]:
    """A stored draft as an app reads it: what `parse` takes."""
    kept = msgspec.convert(draft, Draft)
    shown: dict[str, Any] = msgspec.to_builtins(kept)
    shown["html"] = shown.pop("content_html")
    for name in NOT_HERE:
        del shown[name]
    for name in OF_STATUSES:
        shown[name] = None if shown[name] is None else str(shown[name])
    return shown | {name: [str(number) for number in shown[name]] for name in IDS}


NAMES = frozenset(document({}))


def words(values: Mapping[str, Any], name: str, longest: int) -> str:
    """A text of at most so many characters; empty where there is none.

    Raises:
        Invalid: it is none, or too long.
    """
    value = values.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid(f"“{name}” must be text.")
    if len(value) > longest:
        raise Invalid(f"“{name}” is too long: at most {longest} characters.")
    return value


def flag(values: Mapping[str, Any], name: str) -> bool:
    """Yes or no; no where it is not said.

    Raises:
        Invalid: it is neither.
    """
    value = values.get(name)
    if not isinstance(value, bool | None):
        raise Invalid(f"“{name}” must be true or false.")
    return bool(value)


def _moment(values: Mapping[str, Any], name: str) -> datetime | None:
    value = words(values, name, 40).strip()
    return scheduling.moment(value) if value else None


def _one_of(values: Mapping[str, Any], name: str, known: tuple[str, ...]) -> str:
    value = words(values, name, 20) or known[0]
    if value not in known:
        raise Invalid(f"“{name}” is one of {', '.join(known)}.")
    return value


def _ids(values: Mapping[str, Any], name: str) -> list[int]:
    value = values.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MAX_IDS:
        raise Invalid(f"“{name}” must be a list of ids.")
    found = [_id(entry, name) for entry in value]
    return [number for number in found if number is not None]


def _id(value: object, name: str) -> int | None:
    if value is None:
        return None
    number = ids.parse(value)
    if number is None:
        raise Invalid(f"“{name}” must name ids as text.")
    return number
