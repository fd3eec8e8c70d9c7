"""Words that a browser keeps until they were sent (`static/js/words.js`).

Its script says so in the form. The page that comes after the form hears of it in its address, and
loads the script that lets the words go: a form that never arrived loses none.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

REMEMBERED = "remembered"  # the field by which a script says that words are kept
SENT = "sent"  # the parameter that says from where


def sent(path: str, fields: Mapping[str, str], page: str) -> str:
    """Where to go after a form of words was done.

    Args:
        path: the page, without any parameters.
        fields: of the form.
        page: where it stands: the first part of its path.
    """
    return f"{path}?{urlencode({SENT: page})}" if REMEMBERED in fields else path
