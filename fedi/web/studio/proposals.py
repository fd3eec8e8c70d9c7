"""What a helper proposes, shown as what would change: its author takes it, or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fedi.social import drafts, text
from fedi.studio import media
from fedi.studio.advice import Advice
from fedi.studio.proposals import Piece, changes
from generation.recipe import MAX_PROMPT

HEADINGS = {
    "prompt": "Prompt",
    "title": "Caption",
    "hashtags": "Hashtags",
    "alt_text": "Alt text",
    "content_warning": "Content warning",
}


@dataclass(frozen=True, slots=True)
class Names:
    """How a form calls its fields.

    Attributes:
        prompt: empty where it has none that could change.
        alt_texts: those of the alt texts, by the ids of the pictures.
    """

    prompt: str = "prompt"
    status: str = "text"
    spoiler_text: str = "spoiler_text"
    alt_texts: Mapping[int, str] | None = None

    def longest(self) -> dict[str, int]:
        """How many characters each takes."""
        alts = dict.fromkeys((self.alt_texts or {}).values(), media.MAX_DESCRIPTION)
        words = {self.status: text.MAX_TEXT, self.spoiler_text: drafts.MAX_SPOILER}
        return ({self.prompt: MAX_PROMPT} if self.prompt else {}) | words | alts


@dataclass(frozen=True, slots=True)
class Proposal:
    """A field as it would be.

    Attributes:
        field: its name in the form.
        heading: for people.
        value: all of it, as it would be.
        pieces: what would change.
        note: what to know before taking it.
    """

    field: str
    heading: str
    value: str
    pieces: list[Piece]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Proposals:
    """All that is proposed, by whom, and why there is no more."""

    found: list[Proposal]
    by: str
    note: str


def shown(advice: Advice, fields: Mapping[str, str], names: Names) -> Proposals:
    """What would change in a form."""
    alts = names.alt_texts or {}
    found = changes(
        advice,
        prompt=fields.get(names.prompt, ""),
        status=fields.get(names.status, ""),
        spoiler_text=fields.get(names.spoiler_text, ""),
        alt_texts={number: fields.get(name, "") for number, name in alts.items()},
    )
    places = {"prompt": names.prompt, "status": names.status, "spoiler_text": names.spoiler_text}
    numbered = list(alts)
    proposals = []
    for one in found:
        heading = HEADINGS[one.what]
        if one.media_id is not None and len(numbered) > 1:
            heading += f" of picture {numbered.index(one.media_id) + 1}"
        field = places.get(one.field, "") if one.media_id is None else alts[one.media_id]
        if field:
            proposals.append(Proposal(field, heading, one.value, one.pieces, one.note))
    return Proposals(proposals, advice.model, advice.note)


def taken(sent: Mapping[str, str], fields: Mapping[str, str], names: Names) -> dict[str, str]:
    """A form with the proposal in it that was taken; nothing else of it changes."""
    number, _, name = sent["take"].partition(" ")
    longest = names.longest()
    if name not in longest:
        return dict(fields)
    return {**fields, name: sent.get(f"proposed_{number}", "")[: longest[name]]}
