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
from fedi.database import Session
from fedi.database.tables import Setting
from fedi.settings import Settings
from fedi.settings.section import Section

LONG = frozenset({"instance.description"})  # what may have more lines than one

MARK = "settings"  # changes with what is kept
APPLIED = "settings.applied"  # the topic on which a process tells itself that it took it over

# What pydantic says at more length, and of code.
PLAIN = {
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
}

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
            sections[section] = with_entries(before, {entry: said})
        except ValidationError as error:
            log.warning("setting_not_usable", name=name, reason=plainly(error)[entry])
    return base.model_copy(update=sections) if sections else base


def with_entries(section: Section, entries: Mapping[str, Any]) -> Section:
    """A section with other entries.

    Raises:
        ValidationError: one cannot be used.
    """
    return type(section).model_validate({**section.model_dump(), **entries})


def plainly(error: ValidationError) -> dict[str, str]:
    """What is wrong, by entry."""
    said = {}
    for mistake in error.errors():
        words = PLAIN.get(mistake["type"])
        if words is None:
            words = mistake["msg"].removeprefix("Value error, ")
        else:
            words = words.format_map(mistake.get("ctx", {}))
        said[str(mistake["loc"][0]) if mistake["loc"] else ""] = words
    return said
