"""What is proposed for a post, as what would change in it: whole, and piece by piece."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fedi.studio.advice import Advice

MAX_WORDS = 600  # that are compared: it takes the square of their number

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A few words."""

    kind: Literal["same", "new", "gone"]
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """A field of a post as it would be.

    Attributes:
        field: which.
        what: what is proposed for it. Title and hashtags are both for the words of the post.
        value: all of the field, as it would be.
        pieces: what would change in it.
        note: what its author should know before taking it, in one sentence.
        media_id: whose alt text it is.
    """

    field: Literal["prompt", "status", "alt_text", "spoiler_text"]
    what: Literal["prompt", "title", "hashtags", "alt_text", "content_warning"]
    value: str
    pieces: list[Piece]
    note: str = ""
    media_id: int | None = None


def changes(
    advice: Advice,
    *,
    prompt: str = "",
    status: str = "",
    spoiler_text: str = "",
    alt_texts: Mapping[int, str],
) -> list[Change]:
    """What would change.

    Args:
        prompt, status, spoiler_text: what stands there now.
        alt_texts: likewise, by the pictures' ids.
    """
    words, warning = status.strip(), spoiler_text.strip()
    title = advice.title if advice.title and advice.title not in words else ""
    tags = " ".join(f"#{tag}" for tag in advice.hashtags if f"#{tag}".lower() not in words.lower())
    found = []
    if advice.prompt and advice.prompt.strip() != prompt.strip():
        pieces = difference(prompt.strip(), advice.prompt)
        found.append(Change("prompt", "prompt", advice.prompt, pieces))
    if title:
        value = "\n\n".join(filter(None, (title, words)))
        found.append(Change("status", "title", value, _around(words, value)))
    if tags:
        value = "\n\n".join(filter(None, (words, tags)))
        found.append(Change("status", "hashtags", value, _around(words, value)))
    for one in advice.alt_texts:
        stands = alt_texts.get(one.media_id, "").strip()
        if one.text != stands:
            pieces = difference(stands, one.text)
            found.append(Change("alt_text", "alt_text", one.text, pieces, one.note, one.media_id))
    warned = advice.warned
    if warned.text and (value := _warned(warning, warned.text)) != warning:
        pieces = _around(warning, value)
        found.append(Change("spoiler_text", "content_warning", value, pieces, warned.because))
    return found


def _warned(stands: str, proposed: str) -> str:
    """A warning that stands there, with what is proposed beside it."""
    lower = stands.casefold()
    lacks = [one.strip() for one in proposed.split(",") if one.strip().casefold() not in lower]
    return ", ".join(filter(None, (stands, *lacks)))


def _around(before: str, after: str) -> list[Piece]:
    """What stands before and behind words that stay as they are."""
    if not before:
        return [Piece("new", after)]
    head, same, tail = after.partition(before)
    pieces = (Piece("new", head), Piece("same", same), Piece("new", tail))
    return [piece for piece in pieces if piece.text]


def difference(before: str, after: str) -> list[Piece]:
    """What is new and what is gone, word by word; of very many words, all of them."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(old), len(new)) > MAX_WORDS:
        return [Piece("gone", before), Piece("new", after)]
    pieces = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(Piece("same", "".join(old[a:b])))
            continue
        if a != b:
            pieces.append(Piece("gone", "".join(old[a:b])))
        if c != d:
            pieces.append(Piece("new", "".join(new[c:d])))
    return pieces
