"""What a helper proposes, shown as what would change: its author takes it, or not.

A page keeps nothing of it but in its form: each proposal stands in a hidden field, so that those
that are left are still there when one was taken, whatever was typed in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fedi.social import drafts, text
from fedi.studio import media
from fedi.studio.advice import Advice
from fedi.studio.proposals import BESIDE, FIELDS, Change, What, change, changes
from generation.recipe import MAX_PROMPT

MOST = 8  # in one form: prompt, caption, hashtags, warning, and four alt texts
HEADINGS: dict[What, str] = {
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
    alt_texts: Mapping[int, str] = field(default_factory=dict)

    def of(self, one: Change) -> str:
        """Which field would change; empty if the form has none for it."""
        if one.media_id is not None:
            return self.alt_texts.get(one.media_id, "")
        names = {"prompt": self.prompt, "status": self.status, "spoiler_text": self.spoiler_text}
        return names.get(one.field, "")

    def longest(self, name: str) -> int:
        """How many characters a field takes; 0 if it is none of these."""
        known = {
            self.prompt: MAX_PROMPT,
            self.status: text.MAX_TEXT,
            self.spoiler_text: drafts.MAX_SPOILER,
        } | dict.fromkeys(self.alt_texts.values(), media.MAX_DESCRIPTION)
        return known.get(name, 0) if name else 0


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed for one field of a form.

    Attributes:
        field: its name in the form.
        heading: for people.
        change: what would change.
        way: `before` or `after` what stands there, or `whole`; and what comes between.
        kept: all of it, as the hidden field keeps it.
    """

    field: str
    heading: str
    change: Change

    @property
    def way(self) -> tuple[str, str]:
        return BESIDE.get(self.change.what, ("whole", ""))

    @property
    def kept(self) -> str:
        return f"{self.change.what} {self.field}\n{self.change.note}\n{self.change.text}"


@dataclass(frozen=True, slots=True)
class Proposals:
    """All that is proposed, by whom, and why there is no more."""

    found: list[Proposal]
    by: str = ""
    note: str = ""


def shown(advice: Advice, fields: Mapping[str, str], names: Names) -> Proposals:
    """What would change in a form."""
    found = changes(
        advice,
        prompt=fields.get(names.prompt, ""),
        status=fields.get(names.status, ""),
        spoiler_text=fields.get(names.spoiler_text, ""),
        alt_texts={number: fields.get(name, "") for number, name in names.alt_texts.items()},
    )
    return Proposals(_headed(found, names), advice.model, advice.note)


def taken(
    sent: Mapping[str, str], form: Mapping[str, str], names: Names
) -> tuple[dict[str, str], Proposals]:
    """A form with the proposal in it that was taken, and those that are left. Nothing else of it
    changes.

    Args:
        sent: all that came, with the number of the one that was taken as `take`.
        form: the fields that are shown again.
    """
    fields = dict(form)
    chosen = _read(sent.get(f"proposed_{sent.get('take', '')}", ""), fields, names)
    if chosen is not None:
        name = names.of(chosen)
        fields[name] = chosen.value[: names.longest(name)]
    rest = (
        _read(sent.get(f"proposed_{number}", ""), fields, names)
        for number in range(1, MOST + 1)
        if str(number) != sent.get("take")
    )
    return fields, Proposals(_headed([one for one in rest if one is not None], names))


def _read(kept: str, fields: Mapping[str, str], names: Names) -> Change | None:
    """What a hidden field proposes for a form as it is now; None if that is nothing."""
    head, _, rest = kept.replace("\r\n", "\n").partition("\n")
    note, _, words = rest.partition("\n")
    said, _, name = head.partition(" ")
    what: What | None = next((one for one in FIELDS if one == said), None)
    if what is None or not names.longest(name):
        return None
    media_id = None
    if what == "alt_text":
        numbers = (number for number, alt in names.alt_texts.items() if alt == name)
        media_id = next(numbers, None)
    found = change(what, words, fields.get(name, ""), note, media_id)
    return found if found is not None and names.of(found) == name else None


def _headed(found: list[Change], names: Names) -> list[Proposal]:
    numbers, proposals = list(names.alt_texts), []
    for one in found:
        heading = HEADINGS[one.what]
        if one.media_id in numbers and len(numbers) > 1:
            heading += f" of picture {numbers.index(one.media_id) + 1}"
        if name := names.of(one):
            proposals.append(Proposal(name, heading, one))
    return proposals
