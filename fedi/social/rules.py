"""The rules of this instance, in the order in which they were made."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Rule
from fedi.social import text
from fedi.social.errors import Invalid, NotFound

MAX_RULE, MAX_HINT = 300, 2000  # characters


async def every(session: Session) -> Sequence[Rule]:
    """The rules that hold."""
    query = select(Rule).where(col(Rule.deleted_at).is_(None)).order_by(col(Rule.id))
    return (await session.exec(query)).all()


async def add(tx: Transaction, words: str, hint: str = "") -> Rule:
    """Make a rule.

    Args:
        words: what it says, in a sentence or two.
        hint: more about it.

    Raises:
        Invalid: it says nothing, or too much.
    """
    said, more = text.clean(words).strip(), text.clean(hint).strip()
    if not said:
        raise Invalid("A rule says something.")
    if len(said) > MAX_RULE or len(more) > MAX_HINT:
        raise Invalid(f"A rule has at most {MAX_RULE} characters, its hint {MAX_HINT}.")
    rule = Rule(id=tx.new_id(), text=said, hint=more, created_at=tx.now)
    tx.add(rule)
    await tx.flush()
    return rule


async def remove(tx: Transaction, number: int) -> Rule:
    """Take back a rule; reports that name it go on naming it.

    Args:
        number: its place among those that hold, from 1.

    Raises:
        NotFound: there is none.
    """
    rules = await every(tx)
    if not 1 <= number <= len(rules):
        raise NotFound(f"There is no rule {number}.")
    rule = rules[number - 1]
    rule.deleted_at = tx.now
    tx.add(rule)
    await tx.flush()
    return rule


async def check(session: Session, ids: Collection[int]) -> None:
    """Refuse what is no rule.

    Raises:
        Invalid: one of them does not hold.
    """
    if set(ids) - {rule.id for rule in await every(session)}:
        raise Invalid("That is no rule of this instance.")
