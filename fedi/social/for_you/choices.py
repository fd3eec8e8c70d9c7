"""Whether somebody has a feed of their own, and how they tuned it. Nobody has one unasked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete
from sqlmodel import col

from fedi.database import Session, Transaction
from fedi.database.insertion import insert_into
from fedi.database.tables import Account, ForYou, ForYouMark, ForYouRanking
from fedi.social.errors import Invalid

AI: Final = ("all", "only", "hide")
SLIDERS: Final = {"follows": 100, "fresh": 100, "surprise": 50}  # percent, at most
OFF = "“For you” is off. Switch it on first."


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a reader chose.

    Attributes:
        follows: percent; 0: makers whom they do not follow, 100: those whom they follow.
        fresh: percent; 0: what fits, 100: what is new.
        surprise: percent of the feed that is there for no other reason than that it is new.
        ai: pictures made with AI: all, only those, or none (`hide`).
        warned: whether pictures with a warning are shown.
    """

    follows: int = 50
    fresh: int = 30
    surprise: int = 15
    ai: str = "all"
    warned: bool = False


USUAL = Tuning()


def read(said: dict[str, Any], before: Tuning) -> Tuning:
    """What somebody says of it; what they do not say stays as it was.

    Raises:
        Invalid: it is nothing that can be said.
    """
    found: dict[str, Any] = {}
    for name, most in SLIDERS.items():
        value = said.get(name, getattr(before, name))
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise Invalid(f"“{name}” is a number from 0 to {most}.")
        found[name] = value
    ai, warned = said.get("ai", before.ai), said.get("warned", before.warned)
    if ai not in AI:
        raise Invalid(f"“ai” is one of {', '.join(AI)}.")
    if not isinstance(warned, bool):
        raise Invalid("“warned” is true or false.")
    return Tuning(**found, ai=ai, warned=warned)


def tuning(row: ForYou | None) -> Tuning:
    """What a row says; what is usual without one."""
    if row is None:
        return USUAL
    return Tuning(row.follows, row.fresh, row.surprise, row.ai, row.warned)


async def of(session: Session, account: Account) -> ForYou | None:
    """What somebody chose; None if the feed is off."""
    return await session.get(ForYou, account.id)


async def switch_on(tx: Transaction, account: Account, chosen: Tuning) -> None:
    """Have a feed that is tuned so; or tune it otherwise."""
    values = {name: getattr(chosen, name) for name in Tuning.__slots__}
    insert = insert_into(tx, ForYou).values(
        account_id=account.id, created_at=tx.now, since=None, **values
    )
    await tx.execute_core(insert.on_conflict_do_update(index_elements=["account_id"], set_=values))
    # What was begun was tuned otherwise.
    await tx.execute(delete(ForYouRanking).where(col(ForYouRanking.account_id) == account.id))


async def switch_off(tx: Transaction, account: Account) -> None:
    """Have none any more; nothing is left of it."""
    await _forget(tx, account)
    await tx.execute(delete(ForYou).where(col(ForYou.account_id) == account.id))


async def reset(tx: Transaction, account: Account) -> None:
    """Begin anew: the tuning is as usual, no mark is left, and what was done until now says
    nothing. Where the feed is off there is nothing to forget."""
    row = await tx.get(ForYou, account.id)
    await _forget(tx, account)
    if row is not None:
        for name in Tuning.__slots__:
            setattr(row, name, getattr(USUAL, name))
        row.since = tx.now
        tx.add(row)
        await tx.flush()


async def _forget(tx: Transaction, account: Account) -> None:
    for table in (ForYouMark, ForYouRanking):
        await tx.execute(delete(table).where(col(table.account_id) == account.id))
