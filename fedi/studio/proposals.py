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


What = Literal["prompt", "title", "hashtags", "alt_text", "content_warning"]
Field = Literal["prompt", "status", "alt_text", "spoiler_text"]
FIELDS: dict[What, Field] = {
    "prompt": "prompt",
    "title": "status",
    "hashtags": "status",
    "alt_text": "alt_text",
    "content_warning": "spoiler_text",
}
# What is put before or after what stands there, and with what between; the rest takes its place.
BESIDE: dict[What, tuple[Literal["before", "after"], str]] = {
    "title": ("before", "\n\n"),
    "hashtags": ("after", "\n\n"),
    "content_warning": ("after", ", "),
}


@dataclass(frozen=True, slots=True)
class Change:
    """A field of a post as it would be.

    Attributes:
        what: what is proposed.
        text: that.
        stands: what stands in the field now.
        note: what its author should know before taking it, in one sentence.
        media_id: whose alt text it is.
    """

    what: What
    text: str
    stands: str
    note: str = ""
    media_id: int | None = None

    @property
    def field(self) -> Field:
        return FIELDS[self.what]

    @property
    def value(self) -> str:
        """All of the field, as it would be."""
        way, between = BESIDE.get(self.what, ("", ""))
        if not way:
            return self.text
        both = (self.text, self.stands) if way == "before" else (self.stands, self.text)
        return between.join(filter(None, both))

    @property
    def pieces(self) -> list[Piece]:
        """What would change in it."""
        if self.what not in BESIDE:
            return difference(self.stands, self.text)
        head, same, tail = self.value.partition(self.stands) if self.stands else (self.text, "", "")
        pieces = (Piece("new", head), Piece("same", same), Piece("new", tail))
        return [piece for piece in pieces if piece.text]


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
    tags = " ".join(f"#{tag}" for tag in advice.hashtags)
    warned = advice.warned
    found = [
        change("prompt", advice.prompt, prompt),
        change("title", advice.title, status),
        change("hashtags", tags, status),
        *(
            change("alt_text", one.text, alt_texts.get(one.media_id, ""), one.note, one.media_id)
            for one in advice.alt_texts
        ),
        change("content_warning", warned.text, spoiler_text, warned.because),
    ]
    return [one for one in found if one is not None]


def change(
    what: What, text: str, stands: str, note: str = "", media_id: int | None = None
) -> Change | None:
    """What would change in a field; None if it says that already."""
    stands = stands.replace("\r\n", "\n").strip()
    lower = stands.casefold()
    if what == "title":
        text = "" if text in stands else text
    elif what == "hashtags":
        text = " ".join(tag for tag in text.split() if tag.casefold() not in lower)
    elif what == "content_warning":
        warnings = (one.strip() for one in text.split(","))
        text = ", ".join(one for one in warnings if one.casefold() not in lower)
    elif text.strip() == stands:
        text = ""
    return Change(what, text, stands, note, media_id) if text else None


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
