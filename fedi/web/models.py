"""Models on pages: what there is, what is being fetched, and what is done with them.

`/admin/models` and the first run show and do the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import col, select
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from fedi import adjustments
from fedi.database import Session, Transaction, marks
from fedi.database.tables import Account, ModelPull, Painter, Painting
from fedi.runtime import Easel, easel_of
from fedi.social import adjusting, audit
from fedi.social.errors import Invalid
from fedi.social.sessions import SignedIn
from fedi.studio import cards, local, machine, painters, paintings, pulls, stock
from fedi.studio.machine import Machine
from fedi.studio.pulls import TOPIC
from fedi.studio.stock import Stock
from fedi.web import cookies
from fedi.web import events as page_events
from fedi.web.views import models as views
from fedi.web.views.models import Place, Pull
from generation import hub, parts
from generation.catalogue import Model
from generation.devices import Memory

REFRESH_S = 5  # without a script a page loads itself again, while something is fetched
ELSEWHERE = "This server does not paint itself: models are fetched where it is painted."
OURS = "It comes with Easel, and goes with it."


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows of models.

    Attributes:
        here: whether this server paints, and so fetches models.
        painters: those of other machines, and what they paint on.
        refresh: seconds until a page without a script loads itself again; 0: it need not.
    """

    here: bool
    found: Stock
    place: Place
    painters: list[tuple[str, str]]
    pulls: list[Pull]
    refresh: int


def paints_here(easel: Easel) -> bool:
    """Whether models are fetched by this server."""
    return easel.settings.painting.local and not easel.settings.painting.endpoint


async def look(easel: Easel) -> Shown:
    """All that is known of models by now."""
    here = paints_here(easel)
    found = await asyncio.to_thread(stock.look, easel.settings)
    async with easel.database.read() as session:
        rows = [_pull(easel, session, row) for row in await pulls.listed(session)]
        others = await _others(session)
        own = await _own(session, easel) if here else None
    place = views.place_of(machine.known(easel) or own) if here else _largest(others)
    moving = any(one.under_way for one in rows) or not place.known
    elsewhere = [(name, views.device(memory)) for name, memory in others]
    return Shown(here, found, place, elsewhere, rows, REFRESH_S if moving else 0)


async def _others(session: Session) -> list[tuple[str, Memory]]:
    """What painters of other machines say that they paint on."""
    query = select(Painter).where(col(Painter.local).is_(False)).order_by(col(Painter.id))
    rows = (await session.exec(query)).all()
    return [(row.name, memory) for row in rows if (memory := _memory(row)) is not None]


async def _own(session: Session, easel: Easel) -> Machine | None:
    """What the painter of this server said, when it last painted."""
    row = await painters.named(session, local.name(easel.settings))
    memory = None if row is None else _memory(row)
    return None if memory is None else Machine(memory)


def _memory(row: Painter) -> Memory | None:
    can = cards.remembered(row.abilities)
    return Memory(can.card, can.memory_gb, can.bytes_per_weight) if can.memory_gb else None


def _largest(others: list[tuple[str, Memory]]) -> Place:
    """The largest card that is known to be connected somewhere."""
    if not others:
        return Place(ELSEWHERE)
    name, memory = max(others, key=lambda one: one[1].gigabytes)
    return Place(f"{ELSEWHERE} The largest card: {views.device(memory)}, {name}.", memory)


def _pull(easel: Easel, session: Session, row: ModelPull) -> Pull:
    return views.pull(row, session.now, local.name(easel.settings))


async def fetch(easel: Easel, by: SignedIn, name: str, *, chosen: bool = False) -> None:
    """Have a model fetched, or go on with it.

    Args:
        name: from the catalogue, or a hub id.
        chosen: whether it is to paint when it is here.

    Raises:
        Invalid: there is none of that name, it is here, or there is no room for it.
    """
    if not paints_here(easel):
        raise Invalid(ELSEWHERE)
    model, found = await asyncio.to_thread(_wanted, easel, name)
    if model.key in stock.OURS:
        raise Invalid(OURS)
    if chosen:
        _refuse_fixed()
    if why := found.room(model):
        raise Invalid(why)
    async with easel.database.write() as tx:
        who = await tx.get_one(Account, by.account.id)
        if model.key in found.sizes:
            if not chosen:
                raise Invalid(f"{model.name} is here already.")
            await _choose(easel, tx, who, model)
        else:
            await pulls.ask(tx, local.name(easel.settings), model, chosen=chosen)
            await audit.note(tx, who, "model.pull", model.key)
    await easel.adjust()


def _wanted(easel: Easel, name: str) -> tuple[Model, Stock]:
    return stock.find(name.strip()), stock.look(easel.settings)


async def stop(easel: Easel, by: SignedIn, name: str) -> None:
    """Fetch nothing more of a model; one can go on later.

    Raises:
        NotFound: it is not being fetched.
    """
    async with easel.database.write() as tx:
        row = await pulls.stop(tx, name)
        who = await tx.get_one(Account, by.account.id)
        await audit.note(tx, who, "model.stop", row.key)


async def choose(easel: Easel, by: SignedIn, name: str) -> None:
    """Make a model the one that paints.

    Raises:
        Invalid: it is not here, or none that paints, or the environment says which.
    """
    model = await asyncio.to_thread(stock.find, name)
    if not await asyncio.to_thread(stock.is_here, model):
        raise Invalid(f"{model.name} is not here: fetch it first.")
    async with easel.database.write() as tx:
        who = await tx.get_one(Account, by.account.id)
        await _choose(easel, tx, who, model)
    await easel.adjust()


async def _choose(easel: Easel, tx: Transaction, who: Account, model: Model) -> None:
    if "painting" not in model.kinds:
        raise Invalid(f"{model.name} does not paint.")
    _refuse_fixed()
    value = model.source if model.local else model.key
    if await adjusting.change(tx, easel.base, {"painting.model": value}):
        await audit.note(tx, who, "model.default", model.key)


def _refuse_fixed() -> None:
    if variable := adjustments.fixed("painting.model"):
        raise Invalid(f"{variable} says which model paints: it can only be changed there.")


async def remove(easel: Easel, by: SignedIn, name: str) -> None:
    """Remove a model from the disk, whole or in part.

    Raises:
        Invalid: it paints here, pictures wait for it, or it is nobody's to remove.
    """
    model = await asyncio.to_thread(stock.find, name)
    if model.key in stock.OURS:
        raise Invalid(OURS)
    usual = await asyncio.to_thread(stock.chosen, easel.settings)
    if usual is not None and usual.key == model.key:
        raise Invalid(f"{model.name} paints here: let another one paint first.")
    if usual is not None and usual.source == model.source:
        raise Invalid(f"Its weights are also those of {usual.name}, which paints here.")
    async with easel.database.write() as tx:
        waiting = await _waiting_for(tx, model)
        if waiting:
            raise Invalid(f"Pictures wait for {model.name} ({waiting}): stop them first.")
        row = await tx.get(ModelPull, model.key)
        if row is not None and row.state in pulls.UNDER_WAY:
            raise Invalid(f"{model.name} is being fetched: stop that first.")
        await pulls.forget(tx, model.key)
    try:
        freed = await asyncio.to_thread(hub.remove, model)
    except (parts.Unusable, ImportError, OSError) as error:
        raise Invalid(str(error)) from error
    async with easel.database.write() as tx:
        who = await tx.get_one(Account, by.account.id)
        await audit.note(tx, who, "model.remove", model.key, freed=stock.told(freed))
        await marks.change(tx, stock.MARK)


async def _waiting_for(session: Session, model: Model) -> int:
    query = select(func.count()).where(
        col(Painting.model) == model.key,
        col(Painting.state).in_((paintings.QUEUED, paintings.PAINTING)),
    )
    return (await session.exec(query)).one()


def stream(request: Request, by: SignedIn) -> Response:
    """Server-sent events of what is being fetched: `known` at the beginning, how all of them stand,
    as `{KEY: STATE}`, and `machine`, if it is known by then what this one can do; `pull`, how far
    one is, as `{"key", "line", "percent"}`; `changed`, when the page shows something else than
    before.

    Raises:
        TooMany: this account has too many pages open.
    """
    easel = easel_of(request)
    page_events.refuse_too_many(easel, by.account.id)
    told = page_events.seated(easel, by.account.id, cookies.session(request), _told(easel))
    return StreamingResponse(
        told,
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _told(easel: Easel) -> AsyncIterator[bytes]:
    # Listening begins before the first look, so that nothing can happen unseen between them.
    with easel.events.listen([TOPIC, stock.MARK, adjustments.APPLIED]) as heard:
        before = await _rows(easel)
        yield b"retry: 2000\n\n"
        # The page was made before this began, or before a connection that broke off.
        yield _event("known", {key: one.state for key, one in before.items()})
        if paints_here(easel) and machine.known(easel) is not None:
            yield _event("machine", {})
        for one in before.values():
            yield _event("pull", {"key": one.key, "line": one.line, "percent": one.percent})
        while True:
            news = []
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(page_events.HEARTBEAT_S):
                    news = [await heard.next(), *heard.drain()]
            now = await _rows(easel)
            if _frames(now) != _frames(before) or any(one.kind != "changed" for one in news) or any(
                one.topic != TOPIC for one in news
            ):  # fmt: skip
                yield _event("changed", {})
            elif now != before:
                for one in now.values():
                    if one != before[one.key]:
                        said = {"key": one.key, "line": one.line, "percent": one.percent}
                        yield _event("pull", said)
            else:
                yield b": still here\n\n"
            before = now


async def _rows(easel: Easel) -> dict[str, Pull]:
    async with easel.database.read() as session:
        return {row.key: _pull(easel, session, row) for row in await pulls.listed(session)}


def _frames(rows: Mapping[str, Pull]) -> dict[str, tuple[str, bool]]:
    """What a page is built for: all but the numbers."""
    return {key: (one.state, one.percent is None) for key, one in rows.items()}


def _event(kind: str, data: Mapping[str, object]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
