"""Settings that are changed while the server runs: kept in the database, laid over the file.

Each process holds the settings as they are by now in `Easel.settings`, and whoever needs one looks
there when it is needed. What the environment sets stays as it is: that is said by who starts the
server, and cannot be changed from inside.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from sqlmodel import col, select

from fedi import logs
from fedi.database import Session, Transaction, marks
from fedi.database.insertion import insert_into
from fedi.database.tables import Setting
from fedi.settings import Settings
from fedi.settings.section import Section
from fedi.social.errors import Invalid
from generation import catalogue

MAX_TEXT = 5000  # characters of one value, or of one entry of a list
LONG = frozenset({"instance.description"})  # what may have more lines than one

MARK = "settings"  # changes with what is kept
APPLIED = "settings.applied"  # the topic on which a process tells itself that it took it over

# The settings that are read whenever they are needed, by section. All others are read at the start.
ADJUSTABLE: Mapping[str, tuple[str, ...]] = {
    "instance": ("name", "description", "contact", "training_crawlers"),
    "registrations": (
        "mode",
        "reason_required",
        "minimum_age",
        "blocked_email_domains",
        "reserved_names",
    ),
    "painting": (
        "model",
        "command",
        "max_steps",
        "max_megapixels",
        "max_upscaled_megapixels",
        "max_waiting",
        "max_per_hour",
        "max_inputs_mb",
        "inputs_days",
        "staff_weight",
        "blocked_words",
        "sensitive_words",
    ),
    "safety": ("sensitive_at", "review_at", "refuse_at", "review_unjudged"),
    "words": ("max_per_hour",),
    "assistant": ("callers", "per_account", "per_server"),
    "trends": ("review",),
    "media": ("max_upload_mb", "max_megapixels", "remote", "remote_cache_mb"),
}

log = logs.get(__name__)


class Wrong(Invalid):
    """A value that cannot be used.

    Args:
        mistakes: one plain sentence for each name.
    """

    def __init__(self, mistakes: Mapping[str, str]) -> None:
        super().__init__(" ".join(mistakes.values()))
        self.mistakes = mistakes


def names() -> Iterator[str]:
    """All that can be changed, such as `instance.name`."""
    for section, entries in ADJUSTABLE.items():
        yield from (f"{section}.{entry}" for entry in entries)


def field(name: str) -> FieldInfo:
    """What the settings say of one of them."""
    section, _, entry = name.partition(".")
    kind = Settings.model_fields[section].annotation
    assert isinstance(kind, type) and issubclass(kind, Section)
    return kind.model_fields[entry]


def value(settings: Settings, name: str) -> Any:
    section, _, entry = name.partition(".")
    return getattr(getattr(settings, section), entry)


def fixed(name: str) -> str:
    """The variable of the environment that sets it; empty if none does."""
    section, _, entry = name.partition(".")
    for variable, said in os.environ.items():
        if variable.upper() == f"EASEL_{section}__{entry}".upper():
            return variable
        if variable.upper() == f"EASEL_{section}".upper() and _holds(said, entry):
            return variable
    return ""


def _holds(document: str, entry: str) -> bool:
    try:
        return entry in json.loads(document)
    except (ValueError, TypeError):
        return False


async def kept(session: Session) -> dict[str, Any]:
    """What was changed, by name."""
    found = await session.exec(select(Setting).order_by(col(Setting.name)))
    return {row.name: row.value for row in found.all()}


def laid_over(base: Settings, changed: Mapping[str, Any]) -> Settings:
    """The settings of the file and the environment, with what was changed since.

    What cannot be used, because another Easel kept it, is left as the file has it.
    """
    sections: dict[str, Section] = {}
    for name, said in changed.items():
        section, _, entry = name.partition(".")
        if entry not in ADJUSTABLE.get(section, ()) or fixed(name):
            continue
        before = sections.get(section) or getattr(base, section)
        try:
            sections[section] = _with(before, {entry: said})
        except ValidationError as error:
            log.warning("setting_not_usable", name=name, reason=_plain(error)[entry])
    return base.model_copy(update=sections) if sections else base


async def change(tx: Transaction, base: Settings, wanted: Mapping[str, Any]) -> list[str]:
    """Keep other values of some settings; `Easel.adjust` takes them over.

    Args:
        base: as the file and the environment have them.
        wanted: by name; None, or what the file says, keeps nothing.

    Returns:
        The names of those that are others now.

    Raises:
        Wrong: one cannot be used, or cannot be changed.
    """
    held = await kept(tx)
    after = {name: said for name, said in {**held, **wanted}.items() if said is not None}
    sections = _checked(base, after, wanted)
    changed = []
    for name, said in wanted.items():
        section, _, entry = name.partition(".")
        if said is not None:  # as the settings understand it
            said = getattr(sections[section], entry)
        if said == value(base, name):
            said = None
        if said == held.get(name):
            continue
        changed.append(name)
        row = await tx.get(Setting, name)
        if said is not None:
            insert = insert_into(tx, Setting).values(name=name, value=said, changed_at=tx.now)
            await tx.execute(
                insert.on_conflict_do_update(
                    index_elements=["name"],
                    set_={
                        "value": insert.excluded.value,
                        "changed_at": insert.excluded.changed_at,
                    },
                )
            )
        elif row is not None:
            await tx.delete(row)
    if changed:
        await tx.flush()
        await marks.change(tx, MARK)
    return changed


def _checked(
    base: Settings, after: Mapping[str, Any], wanted: Mapping[str, Any]
) -> dict[str, Section]:
    """The sections with what is to hold in them."""
    sections, mistakes = {}, {}
    for name in wanted:
        section, _, entry = name.partition(".")
        if entry not in ADJUSTABLE.get(section, ()):
            mistakes[name] = f"{name} is no setting that can be changed while the server runs."
        elif variable := fixed(name):
            mistakes[name] = f"{variable} sets {name}: it can only be changed there."
        elif why := _unwritable(name, wanted[name]):
            mistakes[name] = f"{name}: {why}."
    for section in {name.partition(".")[0] for name in wanted} & ADJUSTABLE.keys():
        entries = {
            name.partition(".")[2]: said
            for name, said in after.items()
            if name.partition(".")[0] == section and name not in mistakes
        }
        try:
            sections[section] = _with(getattr(base, section), entries)
        except ValidationError as error:
            for entry, why in _plain(error).items():
                mistakes[f"{section}.{entry}"] = f"{section}.{entry}: {why}."
    if mistakes:
        raise Wrong(mistakes)
    return sections


def _unwritable(name: str, said: Any) -> str:
    """Why words are none that can stand there, whatever the setting is."""
    for text in said if isinstance(said, list) else [said]:
        if not isinstance(text, str):
            continue
        if len(text) > MAX_TEXT:
            return f"at most {MAX_TEXT:,} characters"
        if not all(line.isprintable() for line in text.split("\n")):
            return "must be written in letters and signs"
        if "\n" in text and name not in LONG:
            return "must be on one line"
        if name == "painting.model" and text:
            try:
                catalogue.find(text)
            except catalogue.UnknownModel as error:
                return str(error).rstrip(".")
    return ""


def _with(section: Section, entries: Mapping[str, Any]) -> Section:
    return type(section).model_validate({**section.model_dump(), **entries})


def _plain(error: ValidationError) -> dict[str, str]:
    return {
        str(mistake["loc"][0]) if mistake["loc"] else "": mistake["msg"].removeprefix(
            "Value error, "
        )
        for mistake in error.errors()
    }
