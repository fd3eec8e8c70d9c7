"""Fetching a model in a process of its own: `python -m generation.puller NAME`.

Prints a line of JSON now and then: `{"done": BYTES, "size": BYTES}`, and at the end
`{"here": true}`, or `{"failed": "One plain sentence.", "retry": BOOL}`. It ends with its standard
input, so that none is left when whoever started it is killed; what is here by then stays, and the
next one goes on.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from generation import catalogue, helpers, hub, parts
from generation.catalogue import UnknownModel
from generation.fetching import Unavailable
from generation.link import leave_at_once
from generation.painter import end_with_parent

EVERY_S = 0.5  # between two lines


def pull(name: str, say: Callable[[dict[str, object]], None]) -> bool:
    """Fetches a model, and tells how far that is.

    name: as for `helpers.listed` or `catalogue.find`. say: is told what is printed.
    Returns whether it is here.
    """
    told = 0.0

    def progress(done: int, size: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= EVERY_S or done == size:
            told = now
            say({"done": done, "size": size})

    try:
        hub.pull(helpers.listed(name) or catalogue.find(name), progress)
    except (parts.Unusable, UnknownModel) as error:
        retry = isinstance(error, Unavailable) and error.retry
        say({"failed": str(error), "retry": retry})
    except ImportError:
        say({"failed": "Painting is not installed here: install easel[paint].", "retry": False})
    else:
        say({"here": True})
        return True
    return False


def main() -> NoReturn:
    """The command line."""
    end_with_parent()

    def say(what: dict[str, object]) -> None:
        print(json.dumps(what), flush=True)

    leave_at_once(0 if pull(sys.argv[1], say) else 1)


if __name__ == "__main__":
    main()
