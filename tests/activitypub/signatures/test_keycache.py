"""Keys fetched once, however many wait, and never at a stranger's command (attacks.md 16, 17)."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from activitypub.signatures import Key, KeyCache, KeyUnavailable, keys
from activitypub.signatures.keycache import (
    FAILURE_INTERVAL,
    FETCHES_LIMIT,
    HELD_FOR,
    REFETCH_INTERVAL,
)


class World:
    """A clock, and a server that has keys."""

    def __init__(self, public: keys.PublicKeyMaterial) -> None:
        self.now = 1000.0
        self.public = public
        self.fetched: list[tuple[str, bool]] = []
        self.trouble: KeyUnavailable | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self, key_id: str, fresh: bool) -> Key:
        self.fetched.append((key_id, fresh))
        await self.gate.wait()
        if self.trouble is not None:
            raise self.trouble
        return Key(id=key_id, owner="https://a.example/", public=self.public)

    def cache(self, size: int = 100) -> KeyCache:
        return KeyCache(self.fetch, lambda: self.now, size=size)


@pytest.fixture
def world(pair: tuple[str, str]) -> World:
    return World(keys.load_public(pair[1]))


async def test_a_key_is_fetched_once(world: World) -> None:
    cache = world.cache()
    assert await cache.find("k") is await cache.find("k")
    assert world.fetched == [("k", False)]


async def test_all_who_wait_share_one_fetch(world: World) -> None:
    cache = world.cache()
    world.gate.clear()
    waiting = [asyncio.create_task(cache.find("k")) for _ in range(50)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    world.gate.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert all(isinstance(result, Key) for result in results[1:])
    assert world.fetched == [("k", False)]


async def test_a_key_is_looked_at_again_after_a_while(world: World) -> None:
    """Another process may have heard that it is no longer its owner's."""
    cache = world.cache()
    key = await cache.find("k")
    world.now += HELD_FOR
    world.trouble = KeyUnavailable("No answer.", permanent=False)
    assert await cache.find("k") is key
    assert world.fetched == [("k", False)] * 2
    world.now += HELD_FOR
    world.trouble = KeyUnavailable("The key's owner does not list it.")
    with pytest.raises(KeyUnavailable):
        await cache.find("k")


async def test_a_flood_of_bad_signatures_refetches_once_a_minute(world: World) -> None:
    cache = world.cache()
    for _ in range(20):
        await cache.find("k")
        await cache.find("k", fresh=True)
    assert world.fetched == [("k", False), ("k", True)]
    world.now += REFETCH_INTERVAL
    await cache.find("k", fresh=True)
    assert len(world.fetched) == 3


async def test_a_failure_is_remembered_for_a_while(world: World) -> None:
    cache = world.cache()
    world.trouble = KeyUnavailable("Gone.", gone=True)
    for _ in range(3):
        with pytest.raises(KeyUnavailable) as caught:
            await cache.find("k")
        assert caught.value.gone
    assert len(world.fetched) == 1
    world.trouble = None
    world.now += FAILURE_INTERVAL
    assert (await cache.find("k")).id == "k"


async def test_a_server_that_is_down_does_not_cost_its_old_key(world: World) -> None:
    cache = world.cache()
    key = await cache.find("k")
    world.trouble = KeyUnavailable("No answer.", permanent=False)
    assert await cache.find("k", fresh=True) is key
    world.trouble = KeyUnavailable("Gone.", gone=True)
    world.now += REFETCH_INTERVAL
    with pytest.raises(KeyUnavailable):
        await cache.find("k", fresh=True)


async def test_a_fetch_that_breaks_fails_its_callers_only(world: World) -> None:
    cache = world.cache()
    world.trouble = ZeroDivisionError()  # type: ignore[assignment]
    with pytest.raises(ZeroDivisionError):
        await cache.find("k")
    world.trouble = None
    assert (await cache.find("k")).id == "k"


async def test_the_oldest_key_makes_room(world: World) -> None:
    cache = world.cache(size=2)
    for key_id in ("a", "b", "a", "c", "a"):
        await cache.find(key_id)
    assert [key_id for key_id, _ in world.fetched] == ["a", "b", "c"]
    await cache.find("b")
    assert len(world.fetched) == 4


async def test_a_flood_of_invented_keys_is_bounded(world: World) -> None:
    cache = world.cache()
    world.gate.clear()
    flood = [f"https://h{n}.example/k" for n in range(FETCHES_LIMIT + 5)]
    waiting = [asyncio.create_task(cache.find(key_id)) for key_id in flood]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    world.gate.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    refused = [result for result in results if isinstance(result, KeyUnavailable)]
    assert len(refused) == 5 and not any(failure.permanent for failure in refused)


async def test_a_forgotten_key_is_fetched_again(world: World) -> None:
    cache = world.cache()
    await cache.find("k")
    cache.forget_owner("https://a.example/")
    cache.forget_owner("never known")
    await cache.find("k")
    assert len(world.fetched) == 2


async def test_what_a_failed_fetch_had_in_hand_is_let_go() -> None:
    """A failure is remembered, the answer that led to it is not."""

    class Answer:
        """What a fetch holds while it reads."""

    held: list[weakref.ref[Answer]] = []

    async def fetch(key_id: str, fresh: bool) -> Key:
        answer = Answer()
        held.append(weakref.ref(answer))
        try:
            raise ValueError(answer)
        except ValueError as error:
            raise KeyUnavailable("no", permanent=False) from error

    cache = KeyCache(fetch, lambda: 0.0)
    for _ in range(2):
        with pytest.raises(KeyUnavailable, match="no"):
            await cache.find("https://a.example/#key")
    gc.collect()
    assert len(held) == 1
    assert held[0]() is None
