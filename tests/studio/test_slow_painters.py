"""Painters that read slowly or not at all, keep what they should let go, or meet our own faults:
on real sockets, beside others that must not notice."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from sqlalchemy import update
from sqlmodel import col
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from fedi.database.tables import Account, InputPicture, Painting
from fedi.runtime import Easel
from fedi.studio import connections, inputs, paintings
from fedi.studio.inputs import Found
from generation import protocol
from generation.protocol import Cancel, Cancelled, Failed, Hello, Ready, Suggested
from generation.recipe import Recipe
from tests import rig
from tests.studio.asking import account, ask, look, reaches
from tests.studio.easel_painter import WAIT_S, Hand, connected, token_for
from tests.studio.test_dispatcher import dispatcher

MUCH = 8 * 2**20  # bytes: more than any socket holds of what nobody reads
DIGEST = "zQm" + "1" * 44


@asynccontextmanager
async def deaf(
    instance: rig.Instance, name: str, *, slots: int = 1, suggests: bool = False
) -> AsyncIterator[Hand]:
    """A painter that says that it is ready, and then reads nothing from its socket."""
    token = await token_for(instance, name)
    port = urlsplit(instance.url).port
    wire = socket.socket()
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.setblocking(False)
    await asyncio.get_running_loop().sock_connect(wire, ("127.0.0.1", port))
    async with connect(
        f"ws://127.0.0.1:{port}{protocol.PATH}",
        sock=wire,
        additional_headers={"Authorization": f"Bearer {token}"},
        ping_interval=None,
        close_timeout=0,
        max_size=protocol.MAX_FRAME,
        compression=None,
    ) as there:
        there.transport.pause_reading()
        hand = Hand(there)
        await hand.say(Hello(name=name, device="cpu", models=("test/flat",), suggests=suggests))
        await hand.say(Ready(slots=slots))
        await rig.until(
            lambda: name in [painter.name for painter in dispatcher(instance).connected]
        )
        try:
            yield hand
        finally:
            there.transport.abort()


async def ask_with_much(easel: Easel, who: Account) -> Painting:
    """A painting that begins with a large file."""
    picture = InputPicture(
        digest=DIGEST, file="", media_type="image/png", width=64, height=64, size=MUCH,
        created_at=easel.clock.now(),
    )  # fmt: skip
    found = Found(picture, os.urandom(MUCH))
    await inputs.keep_files(easel, [found])
    async with easel.database.write() as tx:
        recipe = Recipe(prompt="a lighthouse", source=DIGEST, strength=0.5)
        return await paintings.request(tx, easel.settings.painting, who, recipe, pictures=[found])


async def paint_one(easel: Easel, who: Account, card: Hand) -> None:
    asked = await ask(easel, who, "one more")
    given = await card.given()
    assert given.painting == str(asked.id)
    async with reaches(easel, asked, "done"):
        await card.finish(given)


async def test_who_does_not_read_holds_up_nobody(
    instance: rig.Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    async with deaf(instance, "deaf"):
        large = await ask_with_much(easel, alice)
        await rig.until(lambda: in_hand(instance, "deaf") == [str(large.id)])
        async with connected(instance, "other") as other:
            for _ in range(3):
                await paint_one(easel, alice, other)
            # Neither its cancelling nor the renewal of leases waits for it.
            async with easel.database.write() as tx:
                await paintings.cancel(tx, large)
            await dispatcher(instance).tend()
            await paint_one(easel, alice, other)
            assert {painter.name for painter in dispatcher(instance).connected} == {
                "deaf", "other",
            }  # fmt: skip


def in_hand(instance: rig.Instance, name: str) -> list[str]:
    """What a connected painter has in hand, as the server sees it."""
    return [
        number
        for connection in dispatcher(instance)._connections
        if connection.painter.name == name
        for number in connection.work
    ]


async def test_who_has_read_nothing_for_too_long_is_dropped_unblamed(
    instance: rig.Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SEND_S", 0.5)
    easel = instance.easel
    alice = await account(easel, "alice")
    async with deaf(instance, "deaf"):
        large = await ask_with_much(easel, alice)
        await rig.until(lambda: in_hand(instance, "deaf") == [str(large.id)])
        async with connected(instance, "other", slots=0) as other:
            # Its socket has taken all of the picture: only with the next word does it come out.
            async with reaches(easel, large, "queued"):
                await dispatcher(instance).tend()
            row = await look(easel, large)
            assert (row.state, row.crashes) == ("queued", 0)
            await rig.until(
                lambda: [one.name for one in dispatcher(instance).connected] == ["other"]
            )
            await other.say(Ready(slots=1))
            given = await other.given()
            assert given.painting == str(large.id)
            assert other.pictures == {} or len(other.pictures[DIGEST]) == MUCH


async def test_who_takes_nothing_of_very_much_is_dropped(
    instance: rig.Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue of what is to be sent is bounded, whatever a painter does to fill it."""
    monkeypatch.setattr(connections, "MAX_UNSENT", 4)
    easel = instance.easel
    alice = await account(easel, "alice")
    async with deaf(instance, "deaf", slots=8):
        large = await ask_with_much(easel, alice)
        await rig.until(lambda: in_hand(instance, "deaf") == [str(large.id)])
        asked = [await ask(easel, alice, f"number {number}") for number in range(7)]

        async def given_back() -> bool:
            rows = [await look(easel, one) for one in (large, *asked)]
            return {(row.state, row.crashes) for row in rows} == {("queued", 0)}

        await rig.until(lambda: not dispatcher(instance).connected)
        await rig.until(given_back)


async def test_help_with_words_goes_on_while_a_painter_does_not_read(
    instance: rig.Instance,
) -> None:
    easel = instance.easel
    alice, bob = await account(easel, "alice"), await account(easel, "bob")
    assistance = dispatcher(instance).assistance
    async with deaf(instance, "deaf", suggests=True):
        large = await ask_with_much(easel, alice)
        await rig.until(lambda: in_hand(instance, "deaf") == [str(large.id)])
        unheard = asyncio.create_task(assistance.propose(alice, "a lighthouse"))
        async with connected(instance, "other", slots=0, suggests=True) as other:
            asked = asyncio.create_task(assistance.propose(bob, "a lighthouse"))
            message = await other.hear()
            assert isinstance(message, protocol.Suggest)
            await other.say(Suggested(request=message.request, prompt="A tower.", model="Tiny"))
            async with asyncio.timeout(WAIT_S):
                assert (await asked).prompt == "A tower."
        unheard.cancel()
        await asyncio.gather(unheard, return_exceptions=True)


async def test_a_picture_that_came_back_is_not_given_to_who_still_has_it(
    instance: rig.Instance,
) -> None:
    """Its lease ran out, as after a long sleep of the server; the painter knows nothing of that."""
    easel = instance.easel
    alice = await account(easel, "alice")
    async with connected(instance, slots=2) as card:
        given = await card.given() if (asked := await ask(easel, alice)) else None
        assert given is not None
        async with easel.database.write() as tx:
            await tx.exec(
                update(Painting)
                .where(col(Painting.id) == asked.id)
                .values(state="queued", painter_id=None, lease_until=None)
            )
        await dispatcher(instance).hand_out()
        await dispatcher(instance).tend()
        assert await card.hear() == Cancel(painting=given.painting)
        await card.say(Cancelled(painting=given.painting))
        again = await card.given()
        assert again.painting == given.painting
        async with reaches(easel, asked, "done"):
            await card.finish(again)
        assert (await look(easel, asked)).attempts == 2


async def test_our_own_fault_is_not_the_painters(
    instance: rig.Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    asked = await ask(easel, alice)
    async with connected(instance, "one") as one:
        given = await one.given()
        real = easel.database.write
        broken = True

        def write() -> object:
            nonlocal broken
            if broken:
                broken = False
                raise RuntimeError("the disk is full")
            return real()

        monkeypatch.setattr(easel.database, "write", write)
        async with reaches(easel, asked, "queued"):
            await one.say(Failed(painting=given.painting, reason="The card is full.", retry=True))
        with pytest.raises(ConnectionClosed) as closed:
            await one.hear()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1011
    row = await look(easel, asked)
    assert (row.state, row.crashes, row.error) == ("queued", 0, "")


async def test_what_is_cancelled_before_it_is_sent_is_never_sent(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    async with deaf(instance, "deaf", slots=2) as hand:
        large = await ask_with_much(easel, alice)
        await rig.until(lambda: in_hand(instance, "deaf") == [str(large.id)])
        # The socket takes one more message behind which the next wait.
        await dispatcher(instance).tend()
        second = await ask(easel, alice, "a second one")
        await rig.until(lambda: len(in_hand(instance, "deaf")) == 2)
        async with easel.database.write() as tx:
            await paintings.cancel(tx, second)
        [there] = dispatcher(instance)._connections
        await rig.until(lambda: there.work[str(second.id)].cancelling)  # it was heard of
        third = await ask(easel, alice, "a third one")
        hand.socket.transport.resume_reading()
        first = await hand.given()
        assert (first.painting, len(hand.pictures[DIGEST])) == (str(large.id), MUCH)
        assert (await hand.given()).painting == str(third.id)
