"""Who paints: the local process that this server starts, and cards elsewhere, each by its token."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import timedelta
from functools import lru_cache

import msgspec
from sqlalchemy import update
from sqlmodel import col, select

from fedi.database import Session, Transaction, marks
from fedi.database.tables import Painter
from fedi.social.errors import Invalid
from generation import catalogue
from generation.abilities import Abilities

ADMITTED = "painters"  # the mark that changes with who may connect
TOKEN_BYTES = 32
MAX_NAME = 100  # characters of a painter's or a device's name that are kept
MAX_MODELS = 100  # of one painter
FORGOTTEN_AFTER = timedelta(days=30)  # a painter unseen for so long offers no models any more


@lru_cache(maxsize=256)
def canonical(model: str) -> str:
    """The one name of a model that has several: a catalogue key, a hub id, a whole path."""
    try:
        return catalogue.find(model).key if model else ""
    except catalogue.UnknownModel:
        return model


def _hashed(token: str) -> str:
    # The token has 256 random bits: a plain hash cannot be turned back.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


async def issue_token(tx: Transaction, name: str) -> str:
    """Let a painter on another machine connect (`easel painters token NAME`).

    A name that is known gets a new token in place of its old one.

    Args:
        name: what the host calls that machine.

    Returns:
        The token, which is stored nowhere.

    Raises:
        Invalid: the name is empty, too long, or a painter's that this server starts.
    """
    name = name.strip()
    if not name or len(name) > MAX_NAME:
        raise Invalid(f"A painter needs a name of at most {MAX_NAME} characters.")
    painter = await named(tx, name)
    if painter is not None and painter.local:
        raise Invalid(f"{name} is the painter that this server starts itself.")
    return (await _admit(tx, painter, name, local=False))[1]


async def admit_local(tx: Transaction, name: str) -> tuple[Painter, str]:
    """The painter that this server starts itself, and a fresh token at each start of the server:
    one that an earlier start left behind is shut out.

    Args:
        name: one per server, such as `this machine (127.0.0.1:8000)`.
    """
    return await _admit(tx, await named(tx, name), name, local=True)


async def named(session: Session, name: str) -> Painter | None:
    """The painter that the host calls so."""
    return (await session.exec(select(Painter).where(col(Painter.name) == name))).first()


async def _admit(
    tx: Transaction, painter: Painter | None, name: str, *, local: bool
) -> tuple[Painter, str]:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    if painter is None:
        painter = Painter(id=tx.new_id(), name=name, token_hash="", created_at=tx.now)
    painter.token_hash, painter.local = _hashed(token), local
    tx.add(painter)
    await tx.flush()
    await marks.change(tx, ADMITTED)
    return painter, token


async def authenticate(session: Session, token: str) -> Painter | None:
    """The painter whose token this is."""
    found = await session.exec(select(Painter).where(col(Painter.token_hash) == _hashed(token)))
    return found.first()


async def remove(tx: Transaction, painter: Painter) -> None:
    """Shut a painter out."""
    await tx.delete(painter)
    await marks.change(tx, ADMITTED)


async def admitted(session: Session) -> dict[int, str]:
    """Who may connect: the hashes of their tokens, by the painters' ids."""
    found = await session.exec(select(Painter.id, Painter.token_hash))
    return dict(found.all())


async def list_painters(session: Session) -> list[Painter]:
    return list((await session.exec(select(Painter).order_by(col(Painter.id)))).all())


async def connected(
    tx: Transaction,
    painter_id: int,
    *,
    device: str,
    models: tuple[str, ...],
    can: Abilities | None = None,
) -> None:
    """Note what a painter said of itself when it connected."""
    await tx.exec(
        update(Painter)
        .where(col(Painter.id) == painter_id)
        .values(
            device=device[:MAX_NAME],
            models=list(models[:MAX_MODELS]),
            abilities=None if can is None else msgspec.to_builtins(can),
            connected_at=tx.now,
            seen_at=tx.now,
        )
    )


async def equipped(tx: Transaction, painter_id: int, models: tuple[str, ...]) -> None:
    """Note what the painter that this server starts paints with, before it says so itself. One
    that never did is left alone, as long as it has but its default."""
    painter = await tx.get(Painter, painter_id)
    if painter is not None and (painter.models or len(models) > 1):
        painter.models = list(models[:MAX_MODELS])
        tx.add(painter)


async def able(tx: Transaction, painter_id: int, can: Abilities) -> None:
    """Note what a painter can do by now."""
    await tx.exec(
        update(Painter)
        .where(col(Painter.id) == painter_id)
        .values(abilities=msgspec.to_builtins(can))
    )


async def disconnected(tx: Transaction, painter_id: int) -> None:
    await tx.exec(
        update(Painter)
        .where(col(Painter.id) == painter_id)
        .values(connected_at=None, seen_at=tx.now)
    )


async def seen(tx: Transaction, painter_ids: Collection[int]) -> None:
    """Note that these painters are still connected."""
    if painter_ids:
        await tx.exec(
            update(Painter).where(col(Painter.id).in_(painter_ids)).values(seen_at=tx.now)
        )


async def all_gone(tx: Transaction) -> None:
    """Note that no painter is connected: the server has just started."""
    await tx.exec(
        update(Painter).where(col(Painter.connected_at).is_not(None)).values(connected_at=None)
    )


async def offered_models(session: Session) -> list[str]:
    """The models that the painters of late can paint with, the first of each first."""
    found = await session.exec(
        select(col(Painter.models))
        .where(
            (col(Painter.seen_at) > session.now - FORGOTTEN_AFTER)
            | (col(Painter.seen_at).is_(None) & col(Painter.local))
        )
        .order_by(col(Painter.id))
    )
    return list(dict.fromkeys(model for models in found.all() for model in models))
