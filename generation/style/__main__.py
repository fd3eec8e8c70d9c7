"""`python -m generation.style FOLDER`: learns the style whose brief lies in a folder.

Says on stdout what it does, one JSON object to a line, the last of them `{"done": NAME}`,
`{"stopped": true}` or `{"error": SENTENCE}`. SIGINT and SIGTERM stop it after its step, as does
nobody listening any more; begun again, it goes on there.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from generation.errors import PaintError, Stopped
from generation.parts import Unusable

BUSY = "This style is being learned already."


class _Voice:
    """stdout, and whether it is time to stop."""

    def __init__(self) -> None:
        self.stop = False

    def tell(self, said: dict[str, Any]) -> None:
        try:
            print(json.dumps(said), flush=True)
        except BrokenPipeError:
            self.stop = True
            # What is still buffered must not raise at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def hear(self, number: int, frame: object) -> None:
        self.stop = True


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds a training's lock, which goes with the process. Raises PaintError if another has it."""
    with (folder / "lock").open("w") as lock:
        try:
            import fcntl
        except ImportError:  # not on Windows
            yield
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise PaintError(BUSY) from error
        yield


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    [place] = sys.argv[1:] if arguments is None else arguments
    folder, voice = Path(place), _Voice()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, voice.hear)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")  # on stderr
    try:
        from generation.style import training

        with alone(folder):
            record = training.train(folder, voice.tell, lambda: voice.stop)
    except Stopped:
        voice.tell({"stopped": True})
        return 0
    except (PaintError, Unusable, ValueError) as error:  # no such model, no such device
        voice.tell({"error": str(error)})
        return 1
    except ImportError:
        voice.tell({"error": "Painting is not installed here: easel[paint] is missing."})
        return 1
    voice.tell({"done": record.name})
    return 0


if __name__ == "__main__":
    sys.exit(main())
