"""The painter that this server starts itself: a child process, so that neither its memory nor its
death is the server's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import sys
from collections.abc import Callable

from fedi import logs
from fedi.runtime import Easel
from fedi.settings import Settings
from fedi.studio import painters, stock
from generation import catalogue

TERMINATE_S = 10.0  # a painter stops at its next step; a big one on a small card takes long
RESTART_S = 2.0  # the wait after the second death in a row, doubled after each further one
RESTART_MOST_S = 60.0

log = logs.get(__name__)


def address(settings: Settings) -> str:
    """Where a process on this machine reaches the server, whatever stands before it."""
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(
        settings.server.host, settings.server.host
    )
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.server.port}"


def name(settings: Settings) -> str:
    """What the painter of this server is called, among those of others."""
    where = address(settings).removeprefix("http://")
    return f"this machine ({platform.node()}, {where})"[: painters.MAX_NAME]


class LocalPainter:
    """Starts the painter process when it is wanted, and again when it died.

    Args:
        easel: its settings say which model and device, and where the server listens.
        token: what the process shows when it connects.
        ended: called when the process has ended.

    Attributes:
        models: what it paints with, as recipes name them, its default first; more, with an
            endpoint, which only it can say.
    """

    def __init__(self, easel: Easel, token: str, ended: Callable[[], None]) -> None:
        self._easel = easel
        self._token = token
        self._ended = ended
        self.models: tuple[str, ...] = ()
        self._helping: tuple[str, ...] = ()
        self._begun_as: object = None  # how the process that runs was started
        self._watching: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._deaths = 0  # in a row, without a picture between them
        self._not_before = 0.0  # on the event loop's clock
        self._stopping = False

    @property
    def running(self) -> bool:
        return self._watching is not None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def wait(self) -> float:
        """Seconds until it may be started again."""
        return max(0.0, self._not_before - asyncio.get_running_loop().time())

    async def equip(self) -> None:
        """See which models are here by now."""
        settings = self._easel.settings
        if settings.painting.endpoint:
            self.models = (settings.painting.model,) if settings.painting.model else ()
            return
        self.models = await asyncio.to_thread(stock.painting, settings)
        self._helping = await asyncio.to_thread(stock.helping)

    @property
    def outdated(self) -> bool:
        """Whether the process that runs was started for other models, or otherwise, than it would
        be now."""
        return self.running and self._begun_as != self._would_begin_as()

    def _would_begin_as(self) -> object:
        # Whichever comes first: a recipe names its model, unless there is only the starter.
        return self._command(), frozenset(self.models), self._helping

    def _command(self) -> list[str]:
        settings = self._easel.settings
        painting = settings.painting
        # -P: what lies in the folder that the server was started in is not imported.
        command = [sys.executable, "-P", "-m", "generation.painter"]
        command += ["--server", address(settings)]
        command += ["--device", painting.device, "--name", "this machine"]
        command += ["--idle-exit", str(painting.idle_exit_s), "--with-parent"]
        command += ["--batch", str(painting.batch), "--patience", str(painting.patience_s)]
        command += [] if painting.compile else ["--no-compile"]
        command += ["--fp8"] if painting.fp8 else []
        command += ["--classifier", settings.safety.classifier]
        command += ["--describer", settings.words.describer]
        command += ["--language-model", settings.words.language_model]
        command += ["--upscaler", painting.upscaler]
        command += ["--recogniser", painting.recogniser]
        if painting.endpoint:
            command += ["--endpoint", painting.endpoint]
            command += ["--at-once", str(painting.endpoint_at_once)]
        return command

    async def start(self) -> None:
        """Start it, unless it runs or died too recently."""
        if self.running or self.wait() > 0:
            return
        await self.equip()
        if self.running:
            return  # somebody else was quicker
        painting = self._easel.settings.painting
        self._begun_as = self._would_begin_as()
        command = self._command()
        for model in self.models:
            command += ["--model", model]
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                # The painter ends when this pipe does: none is left when the server is killed.
                stdin=asyncio.subprocess.PIPE,
                env={
                    **os.environ,
                    "EASEL_PAINTER_TOKEN": self._token,
                    "EASEL_ENDPOINT_TOKEN": painting.endpoint_token,
                },
            )
        except OSError as error:
            self._died(f"could not be started: {error}")
            return
        log.info("local_painter_started", pid=self._process.pid, model=painting.model or "starter")
        if not painting.model:
            log.info("starter_paints", hint=catalogue.STARTER.note)
        self._watching = asyncio.create_task(self._watch(self._process), name="local painter")

    def painted(self) -> None:
        """It finished a picture: whatever killed it before is over."""
        self._deaths = 0

    def kill(self, pid: int) -> None:
        """End it at once, if it is still this process: one that hangs holds the card, and hears
        nothing."""
        if self._process is not None and self._process.pid == pid:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def stop(self) -> None:
        """End it: politely, then not."""
        if self._watching is None or self._process is None:
            return
        watching, process = self._watching, self._process
        self._stopping = True
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        done, _ = await asyncio.wait({watching}, timeout=TERMINATE_S)
        if not done:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await watching

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        if process.stdin is not None:
            process.stdin.close()
        self._watching = self._process = None
        if code == 0 or self._stopping:
            self._deaths = 0
            log.info("local_painter_ended")
        else:
            self._died(
                f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
            )
        self._ended()

    def _died(self, how: str) -> None:
        self._deaths += 1
        pause = min(RESTART_S * 2 ** (self._deaths - 2), RESTART_MOST_S) if self._deaths > 1 else 0
        self._not_before = asyncio.get_running_loop().time() + pause
        log.warning(
            "local_painter_died", how=f"The painter {how}.", again_in_s=pause, times=self._deaths
        )
