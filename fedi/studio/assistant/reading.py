"""What a post asks the assistant for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from fedi.database.tables import Status
from fedi.social import text
from fedi.studio import imagine
from fedi.studio.assistant import stopping, thanking
from fedi.studio.imagine import Imagined

# Of somebody: `@name`, `@name@host`; and the hashtag's sign, which is no part of its word.
_NAMED = re.compile(r"(?<![\w@])@[\w.-]+(?:@[\w.:-]+)?")
_HASH = re.compile(r"#(?=\w)")
_TRENDING = re.compile(
    r"what(?:['’]?s|\s+is)\s+(?:trending|popular)(?:\s+(?:here|now|today))*\s*\??", re.IGNORECASE
)
# “…this, but at night”, “this in winter”: what follows changes the picture that is answered.
_THIS = re.compile(
    r"(?:\.{3}|…)?\s*(?:this|that|it)(?:\s+(?:one|picture))?\b\s*[,;:–—-]*\s*(?:but\b|only\b)?\s*",
    re.IGNORECASE,
)
# A question in words, unless it asks for a picture.
_QUESTION = re.compile(
    r"(?:what|who|whom|whose|which|when|where|why|how|is|are|was|were|do|does|did|can|could|should"
    r"|would|will|have|has|wer|wen|wem|wie|warum|wieso|wo|wann|welche[rsnm]?|ist|sind|kannst"
    r"|qui|que|quoi|quel(?:le)?s?|comment|pourquoi|où|quand|qué|quién|cómo|dónde|cuándo|cuál"
    r"|por\s+qué)\b.*[?？]",
    re.IGNORECASE | re.DOTALL,
)
_OF_A_PICTURE = re.compile(
    r"\b(?:paint|draw|sketch|render|make|create|generate|imagine|show|picture|image|photo"
    r"|mal\w*|zeichne\w*|zeig\w*|bild\w*|peins?|peindre|dessine\w*|montre\w*|pinta\w*|dibuja\w*"
    r"|muestra\w*|imagen)\b",
    re.IGNORECASE,
)
_COMMAND = "/"  # before what `imagine` reads; nobody sees it


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a post asks for.

    Attributes:
        what: a picture, an answer in words, what is trending, silence in this thread, or nothing,
            with thanks or without.
        picture: of a picture: its prompt and its options; of a question, where nobody can answer.
        change: whether the prompt changes the picture of the post that is answered.
        question: what is to be answered.
    """

    what: Literal["picture", "question", "trends", "silence", "thanks", "nothing"]
    picture: Imagined | None = None
    change: bool = False
    question: str = ""


def read(status: Status) -> Wanted:
    """What a post asks for, whoever wrote it and wherever.

    Raises:
        Invalid: its options are not understood.
    """
    _, words = text.mention_links(status.content)
    words = " ".join(_HASH.sub("", _NAMED.sub(" ", words)).split())
    command = f"{_COMMAND}imagine"
    if words.casefold().startswith(command):
        words = words[len(command) :].strip()
    if not words:
        return Wanted("nothing")
    if stopping.are_meant(words):
        return Wanted("silence")
    if status.in_reply_to_uri and thanking.are_meant(words):
        return Wanted("thanks")
    if _TRENDING.fullmatch(words):
        return Wanted("trends")
    if _QUESTION.fullmatch(words) and not _OF_A_PICTURE.search(words):
        return Wanted("question", imagine.read(f"{_COMMAND} {words}", _COMMAND), question=words)
    changed = _THIS.match(words) if status.in_reply_to_uri else None
    if changed is not None:
        words = words[changed.end() :].strip() or changed[0].strip()
    wanted = imagine.read(f"{_COMMAND} {words}", _COMMAND)
    return Wanted("picture", wanted, changed is not None)
