"""Settings as a page shows them, and what is sent back, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from fedi import adjustments
from fedi.settings import Settings

Kind = Literal["tick", "choice", "number", "lines", "long", "line"]

# What each group is about; the settings themselves say it of each.
SECTIONS = {
    "instance": "This place",
    "registrations": "Who may join",
    "painting": "What may be asked for",
    "safety": "Pictures that not everybody should see",
    "words": "Help with words",
    "assistant": "The assistant",
    "trends": "Trends",
    "media": "Files",
}
LABELS = {
    "instance.name": "Name",
    "instance.description": "Description",
    "instance.contact": "Contact",
    "instance.training_crawlers": "Let in programs that gather training data",
    "registrations.mode": "Who may join",
    "registrations.reason_required": "Ask for a reason",
    "registrations.minimum_age": "Least age",
    "registrations.blocked_email_domains": "Barred domains of email addresses",
    "registrations.reserved_names": "Names that nobody may choose",
    "painting.command": "Command in posts",
    "painting.max_steps": "Most steps",
    "painting.max_megapixels": "Largest picture, in megapixels",
    "painting.max_upscaled_megapixels": "Largest picture after enlarging, in megapixels",
    "painting.max_waiting": "Pictures of one account that may wait",
    "painting.max_per_hour": "Pictures of one account within an hour",
    "painting.max_inputs_mb": "Megabytes of source pictures of one account",
    "painting.inputs_days": "Days that source pictures are kept",
    "painting.staff_weight": "Share of those who run this place",
    "painting.blocked_words": "Words that are refused",
    "painting.sensitive_words": "Words that make a picture sensitive",
    "safety.sensitive_at": "Sensitive from this score on",
    "safety.review_at": "Held for review from this score on",
    "safety.refuse_at": "Refused from this score on",
    "safety.review_unjudged": "Hold what no classifier looked at",
    "words.max_per_hour": "Proposals for one account within an hour",
    "assistant.callers": "Who may ask it",
    "assistant.per_account": "Times that one account may ask within a day",
    "assistant.per_server": "Times that one server may ask within a day",
    "trends.review": "Show only what a moderator approved",
    "media.max_upload_mb": "Largest upload, in megabytes",
    "media.max_megapixels": "Largest picture that is read, in megapixels",
    "media.remote": "When pictures of other servers are fetched",
    "media.remote_cache_mb": "Megabytes of pictures of other servers that are kept",
}
OURS = ("must ", "at most ")  # what a mistake begins with, unless with what was typed
ELSEWHERE = frozenset({"painting.model"})  # has a page of its own


@dataclass(frozen=True, slots=True)
class Entry:
    """A setting.

    Attributes:
        name: such as `instance.name`.
        value: as its field holds it; for a tick, "1" or empty.
        fixed: the variable of the environment that sets it; empty if it can be changed here.
        usual: what the file says, in words, if something else holds.
        mistake: what is wrong with what was typed.
        step: of a number.
    """

    name: str
    label: str
    help: str
    kind: Kind
    value: str
    choices: tuple[str, ...]
    fixed: str
    usual: str | None
    mistake: str
    step: str


@dataclass(frozen=True, slots=True)
class Section:
    """A group of settings, which is kept together."""

    key: str
    title: str
    entries: list[Entry]


def sections(
    base: Settings,
    now: Settings,
    typed: Mapping[str, str] | None = None,
    mistakes: Mapping[str, str] | None = None,
    of: str = "",
) -> list[Section]:
    """All that can be changed.

    Args:
        base: the settings of the file and the environment.
        now: those that hold.
        typed: what was sent and refused, of the section `of`.
        mistakes: what is wrong with it, by name.
    """
    return [
        Section(
            key,
            title,
            [
                _entry(base, now, f"{key}.{one}", typed if key == of else None, mistakes or {})
                for one in adjustments.ADJUSTABLE[key]
                if f"{key}.{one}" not in ELSEWHERE
            ],
        )
        for key, title in SECTIONS.items()
    ]


def _entry(
    base: Settings,
    now: Settings,
    name: str,
    typed: Mapping[str, str] | None,
    mistakes: Mapping[str, str],
) -> Entry:
    kind, held = kind_of(name), adjustments.value(now, name)
    usual = adjustments.value(base, name)
    value = written(kind, held)
    if typed is not None and not adjustments.fixed(name):
        value = typed.get(name, "" if kind == "tick" else value)
    annotation = adjustments.field(name).annotation
    mistake = mistakes.get(name, "").removeprefix(f"{name}: ")
    return Entry(
        name=name,
        label=LABELS[name],
        help=adjustments.field(name).description or "",
        kind=kind,
        value=value,
        choices=get_args(annotation) if kind == "choice" else (),
        fixed=adjustments.fixed(name),
        usual=None if held == usual else in_words(usual),
        mistake=mistake[:1].upper() + mistake[1:] if mistake.startswith(OURS) else mistake,
        step="any" if annotation is float else "1",
    )


def kind_of(name: str) -> Kind:
    """How a setting is shown."""
    annotation = adjustments.field(name).annotation
    if annotation is bool:
        return "tick"
    if get_origin(annotation) is Literal:
        return "choice"
    if annotation in (int, float):
        return "number"
    if get_origin(annotation) is list:
        return "lines"
    return "long" if name in adjustments.LONG else "line"


def written(kind: Kind, value: Any) -> str:
    """A value as its field holds it."""
    if kind == "tick":
        return "1" if value else ""
    return "\n".join(value) if kind == "lines" else f"{value}"


def in_words(value: Any) -> str:
    """A value, for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "nothing"
    return str(value) or "nothing"


def read(name: str, said: str | None) -> Any:
    """What was sent for a setting, as the settings may understand it.

    Args:
        said: None where its field was not sent, as with what is not ticked.
    """
    kind = kind_of(name)
    if kind == "tick":
        return bool(said)
    text = (said or "").replace("\r\n", "\n").strip()
    if kind == "lines":
        return [line.strip() for line in text.split("\n") if line.strip()]
    return text
