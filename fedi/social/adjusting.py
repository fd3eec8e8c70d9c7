"""Changing settings while the server runs: `fedi.adjustments` says which, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from fedi import adjustments
from fedi.adjustments import plainly, with_entries
from fedi.database import Transaction, marks
from fedi.database.insertion import insert_into
from fedi.database.tables import Setting
from fedi.settings import Settings
from fedi.settings.section import Section
from fedi.social.errors import Invalid
from generation import catalogue

MAX_TEXT = 5000  # characters of one value, or of one entry of a list


class Wrong(Invalid):
    """A value that cannot be used.

    Args:
        mistakes: one plain sentence for each name.
    """

    def __init__(self, mistakes: Mapping[str, str]) -> None:
        super().__init__(" ".join(mistakes.values()))
        self.mistakes = mistakes


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
    held = await adjustments.kept(tx)
    after = {name: said for name, said in {**held, **wanted}.items() if said is not None}
    sections = _checked(base, after, wanted)
    changed = []
    for name, said in wanted.items():
        section, _, entry = name.partition(".")
        if said is not None:  # as the settings understand it
            said = getattr(sections[section], entry)
        if said == adjustments.value(base, name):
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
        await marks.change(tx, adjustments.MARK)
    return changed


def _checked(
    base: Settings, after: Mapping[str, Any], wanted: Mapping[str, Any]
) -> dict[str, Section]:
    """The sections with what is to hold in them."""
    sections, mistakes = {}, {}
    for name in wanted:
        section, _, entry = name.partition(".")
        if entry not in adjustments.ADJUSTABLE.get(section, ()):
            mistakes[name] = f"{name} is no setting that can be changed while the server runs."
        elif variable := adjustments.fixed(name):
            mistakes[name] = f"{variable} sets {name}: it can only be changed there."
        elif why := _unwritable(name, wanted[name]):
            mistakes[name] = f"{name}: {why}."
    for section in {name.partition(".")[0] for name in wanted} & adjustments.ADJUSTABLE.keys():
        entries = {
            name.partition(".")[2]: said
            for name, said in after.items()
            if name.partition(".")[0] == section and name not in mistakes
        }
        try:
            sections[section] = with_entries(getattr(base, section), entries)
        except ValidationError as error:
            for entry, why in plainly(error).items():
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
        if "\n" in text and name not in adjustments.LONG:
            return "must be on one line"
        if name == "painting.model" and text:
            try:
                catalogue.find(text)
            except catalogue.UnknownModel as error:
                return str(error).rstrip(".")
    return ""
