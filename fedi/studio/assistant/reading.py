"""What a post asks the assistant for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from fedi.database.tables import Status
from fedi.social import text
from fedi.studio import imagine
from fedi.studio.imagine import Imagined

# Of somebody: `@name`, `@name@host`; and the hashtag's sign, which is no part of its word.
_NAMED = re.compile(r"(?<![\w@])@[\w.-]+(?:@[\w.:-]+)?")
_HASH = re.compile(r"#(?=\w)")
_STOP = re.compile(r"(?:please\s+)?(?:stop|be quiet|go away)[.!]*", re.IGNORECASE)
_TRENDING = re.compile(
    r"what(?:['’]?s|\s+is)\s+(?:trending|popular)(?:\s+(?:here|now|today))*\s*\??", re.IGNORECASE
)
# “…this, but at night”, “this in winter”: what follows changes the picture that is answered.
_THIS = re.compile(
    r"(?:\.{3}|…)?\s*(?:this|that|it)(?:\s+(?:one|picture))?\b\s*[,;:–—-]*\s*(?:but\b|only\b)?\s*",
    re.IGNORECASE,
)
_COMMAND = "/"  # before what `imagine` reads; nobody sees it


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a post asks for.

    Attributes:
        what: a picture, what is trending, silence in this thread, or nothing.
        picture: of a picture: its prompt and its options.
        change: whether the prompt changes the picture of the post that is answered.
    """

    what: Literal["picture", "trends", "silence", "nothing"]
    picture: Imagined | None = None
    change: bool = False


def read(status: Status) -> Wanted:
    """What a post asks for, whoever wrote it and wherever.

    Raises:
        Invalid: its options are not understood.
    """
    words = text.plain(status.content)
    words = " ".join(_HASH.sub("", _NAMED.sub(" ", words)).split())
    command = f"{_COMMAND}imagine"
    if words.casefold().startswith(command):
        words = words[len(command) :].strip()
    if not words:
        return Wanted("nothing")
    if _STOP.fullmatch(words):
        return Wanted("silence")
    if _TRENDING.fullmatch(words):
        return Wanted("trends")
    changed = _THIS.match(words) if status.in_reply_to_uri else None
    if changed is not None:
        words = words[changed.end() :].strip() or changed[0].strip()
    wanted = imagine.read(f"{_COMMAND} {words}", _COMMAND)
    return Wanted("picture", wanted, changed is not None)
