"""The painter: a process that connects to a server, takes recipes, and sends back pictures.

    EASEL_PAINTER_TOKEN=… python -m generation.painter --server https://easel.example

It needs no open port, keeps coming back when the connection breaks, and loads torch and the model
only when there is something to paint. `generation.protocol` says what is exchanged.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from websockets.exceptions import InvalidURI

from generation import catalogue, fast, helpers
from generation.aides import Aides
from generation.catalogue import UnknownModel
from generation.endpoint.client import Endpoint
from generation.endpoint.hand import AT_ONCE, Fleet
from generation.hands import Card, Hand
from generation.link import (
    EXIT_DONE,
    EXIT_LOST,
    EXIT_ORPHANED,
    EXIT_REFUSED,
    EXIT_USAGE,
    Painter,
    leave_at_once,
    socket_url,
)
from generation.watchdog import PATIENCE_S
from generation.worker import Settings

__all__ = [
    "EXIT_DONE",
    "EXIT_LOST",
    "EXIT_ORPHANED",
    "EXIT_REFUSED",
    "EXIT_USAGE",
    "Painter",
    "run",
    "socket_url",
]

log = logging.getLogger("generation")

NICENESS = 5  # beside the server on the same processor, the server answers first


def run(
    *,
    server: str,
    token: str,
    models: Sequence[str] = (),
    device: str = "auto",
    name: str = "",
    idle_exit: float | None = None,
    settings: Settings | None = None,
    classifier: str = helpers.AUTO,
    describer: str = helpers.AUTO,
    language_model: str = helpers.AUTO,
    upscaler: str = helpers.AUTO,
    recogniser: str = helpers.AUTO,
    endpoint: str = "",
    endpoint_token: str = "",
    at_once: int = AT_ONCE,
) -> int:
    """Paints for a server until it ends, SIGTERM or Ctrl-C. Returns the exit code.

    models: names as `catalogue.find` reads them, the first is the default; none is
    the starter. settings: how this machine paints. endpoint: the address of an images endpoint that
    paints instead of it, with its token and how many pictures it is asked for at once; none of the
    models is all of its.
    The process should end soon after: a model that is being loaded cannot be stopped, and is
    left to its thread.
    """

    def hand(aides: Aides) -> Hand:
        if endpoint:
            patience = settings.patience if settings else PATIENCE_S
            where = Endpoint(endpoint, endpoint_token)
            return Fleet(where, models, at_once, aides, patience=patience, lost=_lost)
        named = [model for model in models if model] or [catalogue.STARTER.key]
        return Card([catalogue.find(model) for model in named], device, aides, settings, lost=_lost)

    async def main() -> tuple[Painter, int]:
        aides = Aides(
            device,
            classifier=classifier,
            describer=describer,
            language_model=language_model,
            upscaler=upscaler,
            recogniser=recogniser,
        )
        painter = Painter(
            server=server,
            token=token,
            hand=hand(aides),
            aides=aides,
            name=name,
            idle_exit=idle_exit,
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError):  # Windows
                loop.add_signal_handler(number, painter.leave)
        return painter, await painter.run()

    try:
        painter, code = asyncio.run(main())
    except (UnknownModel, ValueError, InvalidURI) as error:
        log.error("%s", error)
        return EXIT_USAGE
    if not painter.close():
        leave_at_once(code)
    return code


def _lost(why: str) -> None:
    """Only the end of the process frees the card; the server gives the picture to the next."""
    log.error("%s: this process ends", why)
    leave_at_once(EXIT_LOST)


def log_to_stderr() -> None:
    """Has a painter say on standard error what it is doing; $EASEL_PAINTER_LOG is the level."""
    logging.basicConfig(
        level=os.environ.get("EASEL_PAINTER_LOG", "INFO").upper(),
        format="painter: %(message)s",
        stream=sys.stderr,
    )
    for library in ("websockets", "httpx", "urllib3", "huggingface_hub"):
        logging.getLogger(library).setLevel(logging.WARNING)


def end_with_parent() -> None:
    """Ends this process as soon as its standard input does, which the parent holds open: also
    when the parent was killed, and also in the middle of a step, so that no orphan keeps the
    card."""

    def watch() -> None:
        with contextlib.suppress(OSError, ValueError):
            while os.read(0, 4096):
                pass
        leave_at_once(EXIT_ORPHANED)

    threading.Thread(target=watch, name="parent", daemon=True).start()
    with contextlib.suppress(OSError, AttributeError):
        os.nice(NICENESS)


def main() -> NoReturn:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m generation.painter",
        description="Paint for an Easel server. The token comes from the environment "
        "(EASEL_PAINTER_TOKEN) or a file, never from the command line, which others can read.",
    )
    parser.add_argument("--server", required=True, help="the instance: https://easel.example")
    parser.add_argument("--token-file", type=Path, help="a file that holds the token")
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        help="a catalogue name, a hub id, or a folder; several times, the first is the default",
    )
    parser.add_argument("--device", default="auto", help="auto, cuda, cuda:1, mps or cpu")
    for option, what in (
        ("--classifier", "looks at each picture"),
        ("--describer", "describes pictures"),
        ("--language-model", "helps with words"),
        ("--upscaler", "makes pictures larger"),
        ("--recogniser", "sees what pictures show"),
    ):
        parser.add_argument(
            option, default=helpers.AUTO, help=f"the model that {what}: a name, auto or none"
        )
    parser.add_argument("--name", default="", help="how the server calls this painter")
    parser.add_argument(
        "--idle-exit", type=float, metavar="SECONDS", help="end after so long without work"
    )
    parser.add_argument(
        "--unload", type=float, metavar="SECONDS", help="free the memory after so long without work"
    )
    parser.add_argument(
        "--batch", type=int, default=0, help="pictures at once at most; 0 decides by the card"
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=PATIENCE_S,
        metavar="SECONDS",
        help="how long a step of a usual model may take on a card until it counts as hanging",
    )
    parser.add_argument(
        "--endpoint",
        default="",
        metavar="ADDRESS",
        help="an OpenAI-compatible images endpoint that paints instead of this machine; its token "
        "comes from the environment (EASEL_ENDPOINT_TOKEN)",
    )
    parser.add_argument(
        "--at-once", type=int, default=AT_ONCE, help="how many pictures an endpoint is asked for"
    )
    parser.add_argument("--no-compile", action="store_true", help="compile nothing")
    parser.add_argument("--fp8", action="store_true", help="multiply in 8 bits where possible")
    parser.add_argument(
        "--with-parent", action="store_true", help="end when standard input is closed"
    )
    options = parser.parse_args()
    log_to_stderr()
    token = os.environ.get("EASEL_PAINTER_TOKEN", "")
    if options.token_file is not None:
        try:
            token = options.token_file.read_text().strip()
        except OSError as error:
            parser.error(f"the token cannot be read: {error}")
    if not token:
        parser.error("there is no token: set EASEL_PAINTER_TOKEN or give --token-file")
    if options.with_parent:
        end_with_parent()
    leave_at_once(
        run(
            server=options.server,
            token=token,
            models=options.model,
            device=options.device,
            name=options.name,
            idle_exit=options.idle_exit,
            settings=Settings(
                batch=options.batch,
                unload=options.unload,
                patience=options.patience,
                fast=fast.Options(compile=not options.no_compile, fp8=options.fp8),
            ),
            classifier=options.classifier,
            describer=options.describer,
            language_model=options.language_model,
            upscaler=options.upscaler,
            recogniser=options.recogniser,
            endpoint=options.endpoint,
            endpoint_token=os.environ.get("EASEL_ENDPOINT_TOKEN", ""),
            at_once=options.at_once,
        )
    )


if __name__ == "__main__":
    main()
