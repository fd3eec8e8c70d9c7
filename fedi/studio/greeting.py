"""What a painter says of itself: when it connects, and when it has learnt something since."""

from __future__ import annotations

import asyncio
from itertools import islice

import msgspec

from fedi.runtime import Easel
from fedi.studio import cards, painters
from fedi.studio.connections import Connection
from generation import protocol
from generation.abilities import Abilities
from generation.protocol import Hello, Leave, ProtocolError
from generation.recipe import MAX_LORA_NAME, MAX_MODEL_NAME, without_unwritable

HELLO_S = 30.0  # how long a painter has to say who it is
MAX_MEMORY_GB = 100_000.0  # of one painter, whatever it says
MAX_ABILITIES = 16  # of one model; there are four


async def greet(easel: Easel, connection: Connection) -> Hello:
    """Hear who a painter is, and note it.

    Raises:
        Gone, Ended: as `Connection.receive`.
        ProtocolError: it is none that could be let in.
    """
    try:
        async with asyncio.timeout(HELLO_S):
            frame = await connection.receive()
    except TimeoutError:
        raise ProtocolError("A painter says hello first.") from None
    hello, _ = protocol.decode_from_painter(frame)
    if not isinstance(hello, Hello):
        raise ProtocolError("A painter says hello first.")
    if hello.version != protocol.VERSION:
        theirs = "older" if hello.version < protocol.VERSION else "newer"
        reason = f"This painter is {theirs} than the server: install the same Easel on both."
        connection.send(Leave(reason=reason, refused=True))
        raise ProtocolError(f"The painter is {theirs} than the server.")
    hello = msgspec.structs.replace(
        hello,
        models=tuple(_names(hello.models, painters.MAX_MODELS, MAX_MODEL_NAME)),
        device=_name(hello.device, painters.MAX_NAME),
        abilities=bounded(hello.abilities),
    )
    if not hello.models:
        raise ProtocolError("A painter has at least one model.")
    connection.models = tuple(map(painters.canonical, hello.models))
    connection.can = cards.canonical(hello.abilities)
    connection.suggests = hello.suggests
    async with easel.database.write() as tx:
        known = await painters.admitted(tx)
        if known.get(connection.painter.id) != connection.painter.token_hash:
            raise ProtocolError("This token was withdrawn.")
        await painters.connected(
            tx,
            connection.painter.id,
            device=hello.device,
            models=hello.models,
            can=hello.abilities,
        )
    return hello


async def heard(easel: Easel, connection: Connection, said: Abilities) -> None:
    """Note what a painter can do by now."""
    can = bounded(said)
    connection.can = cards.canonical(can)
    async with easel.database.write() as tx:
        await painters.able(tx, connection.painter.id, can)


def bounded(can: Abilities) -> Abilities:
    """What a painter says that it can do, as far as it is kept."""
    most, longest = painters.MAX_MODELS, MAX_MODEL_NAME
    return Abilities(
        can={
            name: tuple(_names(ways, MAX_ABILITIES, painters.MAX_NAME))
            for model, ways in islice(can.can.items(), most)
            for name in _names((model,), 1, longest)
        },
        # A frame bounds how many there are.
        loras=None if can.loras is None else tuple(_names(can.loras, None, MAX_LORA_NAME)),
        misfits={
            name: tuple(_names(loras, None, MAX_LORA_NAME))
            for model, loras in islice(can.misfits.items(), most)
            for name in _names((model,), 1, longest)
        },
        upscales=can.upscales,
        judges=_name(can.judges, painters.MAX_NAME),
        describes=_name(can.describes, painters.MAX_NAME),
        recognises=_name(can.recognises, painters.MAX_NAME),
        looks=can.looks,
        card=_name(can.card, painters.MAX_NAME),
        memory_gb=min(max(can.memory_gb, 0.0), MAX_MEMORY_GB),
        bytes_per_weight=4 if can.bytes_per_weight >= 4 else 2,
    )


def _name(text: str, longest: int) -> str:
    """A name that people read, cut to its length."""
    return without_unwritable(text)[:longest].strip()


def _names(texts: tuple[str, ...], most: int | None, longest: int) -> list[str]:
    """Names that are compared with others: what is too long, or cannot be written, is none."""
    fit = (text for text in texts if 0 < len(text) <= longest and text == without_unwritable(text))
    return list(islice(fit, most))
