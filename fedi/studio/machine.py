"""What this machine paints on: asked once, of a process that may load torch."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from fedi import logs
from fedi.events import Event
from fedi.runtime import Easel
from fedi.studio import pulls
from generation.devices import Memory

PROBE_S = 180.0  # torch is read from the disk, on a busy machine
SLOW = "cpu"  # where only the starter is quick

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Machine:
    """A place to paint.

    Attributes:
        memory: what it has; None if nothing can be painted there.
        trouble: why not, in one sentence.
    """

    memory: Memory | None
    trouble: str = ""

    @property
    def slow(self) -> bool:
        """Whether there is no card."""
        return self.memory is not None and self.memory.name == SLOW


_asked: WeakKeyDictionary[Easel, asyncio.Task[Machine]] = WeakKeyDictionary()


def known(easel: Easel) -> Machine | None:
    """What this machine is; None until that is known, which pages hear of on `pulls.TOPIC`."""
    task = _asked.get(easel)
    if task is None:
        task = _asked[easel] = asyncio.create_task(_measure(easel), name="machine")

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        easel.closing.append(end)
    if not task.done() or task.cancelled():
        return None
    return task.result()


async def _measure(easel: Easel) -> Machine:
    try:
        found = await _probe(easel.settings.painting.device)
    except (OSError, ValueError, KeyError, TypeError, TimeoutError) as error:
        log.warning("machine_not_known", reason=repr(error))
        found = Machine(None, "What this machine paints on could not be found out.")
    loop = asyncio.get_running_loop()
    # Once this task is done, to this process alone.
    loop.call_soon(easel.events.publish, Event(pulls.TOPIC, "machine"))
    return found


async def _probe(device: str) -> Machine:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "generation.probe", "--json", "--device", device),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(PROBE_S):
            output, _ = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    said = json.loads(output.splitlines()[-1] if output.strip() else b"")
    if "trouble" in said:
        return Machine(None, str(said["trouble"]))
    name, size = str(said["name"]), float(said["gigabytes"])
    return Machine(Memory(name, size, int(said["bytes_per_weight"])))
