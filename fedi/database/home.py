"""Whose database it is: the address that its people are known by.

Their ids begin with it, here and on all servers that know them. Under another address they would
still be there, and nobody would find them; a second instance would grow beside the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import JSON, Column, String, Table, Text, cast, func, or_, select, update
from sqlmodel import AutoString, SQLModel, col

from fedi.database.engine import Session, Transaction
from fedi.database.tables import Account

ACTOR = "/actor"  # the path of the instance's own actor (`social.accounts.instance_actor_uri`)


class OfAnother(Exception):
    """The database is that of another address than the settings name.

    Args:
        home: the one that it is of.
        url: the one of the settings.
    """

    def __init__(self, home: str, url: str) -> None:
        way = (
            "`easel database readdress` takes everything along"
            if movable(home)
            else "other servers know everybody here by the first: set it back"
        )
        super().__init__(
            f"The database is that of {home}, and instance.url is {url}: {way}, or name "
            "another database in database.url."
        )


def movable(home: str) -> bool:
    """Whether nobody elsewhere can know an address: it was good for trying things alone."""
    return not home.startswith("https://")


async def check(session: Session) -> None:
    """See that the database is that of the instance that the session works for.

    Raises:
        OfAnother: it is not.
    """
    url = session.instance.url
    ours = select(col(Account.id)).where(col(Account.uri) == f"{url}{ACTOR}")
    if (await session.execute(ours)).first() is None:
        home = await address(session)
        if home is not None:
            raise OfAnother(home, url)


async def address(session: Session) -> str | None:
    """The address that the database is of; None before the first start."""
    query = (
        select(col(Account.uri))
        .where(col(Account.domain).is_(None), col(Account.actor_type) == "Application")
        .order_by(col(Account.id))
        .limit(1)
    )
    found = (await session.execute(query)).scalar()
    return None if found is None else str(found).removesuffix(ACTOR)


async def move(tx: Transaction, home: str) -> int:
    """Give all that is here the address of the settings.

    Args:
        home: the address that it has. It must be `movable`.

    Returns:
        How many rows were changed.
    """
    changed = 0
    for table in SQLModel.metadata.sorted_tables:
        columns = [column for column in table.columns if _holds_words(column)]
        if columns:
            changed += await _readdress(tx, table, columns, home)
    named = update(Account).where(col(Account.uri) == f"{tx.instance.url}{ACTOR}")
    await tx.execute(named.values(username=tx.instance.domain))
    return changed


def _holds_words(column: Column[Any]) -> bool:
    return isinstance(column.type, JSON | String | AutoString)


async def _readdress(
    tx: Transaction, table: Table, columns: Sequence[Column[Any]], home: str
) -> int:
    """The rows of one table. What begins like the address and goes on otherwise is another's."""
    old, new = f"{home}/", f"{tx.instance.url}/"
    written = {one: cast(one, Text) if isinstance(one.type, JSON) else one for one in columns}
    values = {}
    for column, words in written.items():
        replaced = func.replace(words, old, new)
        as_json = isinstance(column.type, JSON) and tx.dialect_name != "sqlite"
        values[column] = cast(replaced, JSON) if as_json else replaced
    result = await tx.execute_core(
        update(table)
        .where(or_(*(words.contains(old, autoescape=True) for words in written.values())))
        .values(values)
    )
    return result.rowcount
