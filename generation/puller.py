"""Fetching a model in a process of its own: `python -m generation.puller NAME`.

Prints a line of JSON now and then: `{"done": BYTES, "size": BYTES}`, and at the end
`{"here": true}`, or `{"failed": "One plain sentence."}`. It ends with its standard input, so that
none is left when whoever started it is killed; what is here by then stays, and the next one goes
on.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

from generation import catalogue, helpers, hub, parts
from generation.catalogue import UnknownModel
from generation.link import leave_at_once
from generation.painter import end_with_parent

EVERY_S = 0.5  # between two lines that say how far it is


def pull(name: str, say: Callable[[dict[str, object]], None]) -> bool:
    """Fetches a model, and tells how far that is.

    name: as for `helpers.listed` or `catalogue.find`. say: is told what is printed.
    Returns whether it is here.
    """
    so_far: dict[str, object] = {}
    over = threading.Event()

    def progress(done: int, size: int) -> None:
        nonlocal so_far
        so_far = {"done": done, "size": size}

    def tell() -> None:
        """In a thread of its own, so that what came before a hub gives nothing more is told."""
        told: dict[str, object] = {}
        while not over.wait(EVERY_S):
            if so_far != told:
                told = so_far
                say(told)

    telling = threading.Thread(target=tell, daemon=True)
    telling.start()
    end: dict[str, object] = {"here": True}
    try:
        hub.pull(helpers.listed(name) or catalogue.find(name), progress)
    except (parts.Unusable, UnknownModel) as error:
        end = {"failed": str(error)}
    except ImportError:
        end = {"failed": "Painting is not installed here: install easel[paint]."}
    over.set()
    telling.join()
    say(end)
    return "here" in end


def main() -> NoReturn:
    """The command line."""
    end_with_parent()

    def say(what: dict[str, object]) -> None:
        print(json.dumps(what), flush=True)

    leave_at_once(0 if pull(sys.argv[1], say) else 1)


if __name__ == "__main__":
    main()
