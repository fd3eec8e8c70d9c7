"""Events between the processes of one instance, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fedi.database import relay
from fedi.events import Event
from tests import rig

LARGE = "data:image/jpeg;base64," + "A" * 300_000 + "ü"


async def test_large_events_reach_the_other_processes_whole_and_in_order(
    postgres: rig.Postgres, tmp_path: Path
) -> None:
    """Told at once and by transactions, mixed; as of two processes, which each have a name."""
    settings = rig.settings_for(tmp_path, postgres.new())
    async with rig.opened(settings) as one, rig.opened(settings) as two:
        events = [
            Event("x", "progress", {"n": n, "preview": LARGE if n % 2 else ""}, kept=True)
            for n in range(10)
        ]
        payloads = [part for event in events for part in relay.encode(event)]
        assert max(len(payload.encode()) for payload in payloads) < 8000
        # Another process's, or they would be taken for our own.
        foreign = [payload.replace(relay.PROCESS, "f" * 16) for payload in payloads]
        with two.events.listen(["x"]) as heard:
            async with one.database.write() as tx:
                for payload in foreign:
                    await tx.execute(relay.NOTIFY, {"channel": relay.CHANNEL, "payload": payload})
            async with asyncio.timeout(30):
                assert [await heard.next() for _ in events] == events
        assert two.events.newest("x") == events[-1]


def test_what_breaks_off_is_dropped_and_the_rest_is_heard() -> None:
    other = "f" * 16
    broken, whole = [
        [part.replace(relay.PROCESS, other) for part in relay.encode(Event("x", "y", {"n": LARGE}))]
        for _ in range(2)
    ]
    parts = relay.Parts()
    mixed = [broken[1], broken[0], broken[2], *whole[:2], broken[3]]
    assert [parts.add(payload) for payload in mixed] == [None] * len(mixed)
    assert [parts.add(payload) for payload in whole][-1] == Event("x", "y", {"n": LARGE})
    assert relay.encode(Event("x", "y", {"n": LARGE * 2})) == []
