"""Words that a browser keeps until they were sent (`static/js/words.js`).

Its script says in the form from where they are. The page that comes after the form hears of it in
its address, and loads the script that lets the words of that place go: a form that never arrived
loses none.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

REMEMBERED = "remembered"  # the field by which a script says under which address words are kept
SENT = "sent"  # the parameter that says it
MAX_PLACE = 2000  # characters: the longest is that of a message to whom the address names


def place(fields: Mapping[str, str]) -> str:
    """Where the words of a form are kept, if its script said so."""
    return fields.get(REMEMBERED, "")[:MAX_PLACE]


def sent(path: str, fields: Mapping[str, str]) -> str:
    """Where to go after a form of words was done.

    Args:
        path: the page, without any parameters.
        fields: of the form.
    """
    where = place(fields)
    return f"{path}?{urlencode({SENT: where})}" if where else path
