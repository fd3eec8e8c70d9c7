"""What a helper proposes, shown as what would change: its author takes it, or not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from fedi.social import text
from fedi.studio.assistance import Advice
from generation.recipe import MAX_PROMPT

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A few words. `kind` is same, new or gone."""

    kind: str
    text: str


MAX_WORDS = 600  # that are compared: it takes the square of their number


@dataclass(frozen=True, slots=True)
class Proposal:
    """A field as it would be.

    Attributes:
        field: its name in the form.
        heading: for people.
        value: all of it, as it would be.
        pieces: what would change.
    """

    field: str
    heading: str
    value: str
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class Proposals:
    """All that is proposed, by whom, and why there is no more."""

    found: list[Proposal]
    by: str
    note: str


def shown(advice: Advice, fields: Mapping[str, str]) -> Proposals:
    """What would change in a form."""
    words = fields["text"].strip()
    title = advice.title if advice.title and advice.title not in words else ""
    tags = " ".join(f"#{tag}" for tag in advice.hashtags if f"#{tag}".lower() not in words.lower())
    wanted = [
        ("prompt", "Prompt", advice.prompt),
        ("title", "Caption", "\n\n".join(filter(None, (title, words))) if title else ""),
        ("tags", "Hashtags", "\n\n".join(filter(None, (words, tags))) if tags else ""),
    ]
    found = []
    for name, heading, value in wanted:
        before = (fields["prompt"] if name == "prompt" else fields["text"]).strip()
        if value and value.strip() != before:
            field = "prompt" if name == "prompt" else "text"
            pieces = difference(before, value) if field == "prompt" else _around(before, value)
            found.append(Proposal(field, heading, value, pieces))
    return Proposals(found, advice.model, advice.note)


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


def taken(sent: Mapping[str, str], fields: dict[str, str]) -> dict[str, str]:
    """A form with the proposal in it that was taken; nothing else of it changes."""
    field, longest = sent["take"], {"prompt": MAX_PROMPT, "text": text.MAX_TEXT}
    number, _, name = field.partition(" ")
    if name not in longest:
        return fields
    return fields | {name: sent.get(f"proposed_{number}", "")[: longest[name]]}
