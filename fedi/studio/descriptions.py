"""Alt text: what the author wrote, else what a model saw, else what can honestly be said.

It is never empty. Without a model the words that the picture was painted from stand in, and say
that this is what they are, as nobody has looked at the picture; where the author keeps those words
to themselves, only that it is a picture, and by what it was made.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from fedi.database.tables import Painting
from fedi.settings import PaintingSettings
from fedi.social import text
from fedi.social.errors import Invalid
from fedi.studio import appraisal
from fedi.studio.verdicts import Verdict
from generation import languages, minors
from generation.protocol import Finished

PROMPT = "prompt"  # as `MediaAttachment.described_by`: no model saw it, the prompt stands in
MAX_PROMPT = 1000  # characters of it
MAX_SEEN = 1500  # characters of what a painter says; Mastodon's own limit for a description
MAX_NAME = 100  # characters of the name of the model that says it


class _Sentences(NamedTuple):
    """What is said where nobody looked: with the prompt, and without it."""

    shared: str
    private: str


_SENTENCES = {
    "en": _Sentences(
        "A picture that {model} made from these words: {prompt}",
        "A picture that {model} made. Nobody has described it.",
    ),
    "de": _Sentences(
        "Ein Bild, das {model} aus diesen Worten gemacht hat: {prompt}",
        "Ein Bild, das {model} gemacht hat. Niemand hat es beschrieben.",
    ),
    "fr": _Sentences(
        "Une image faite par {model} à partir de ces mots : {prompt}",
        "Une image faite par {model}. Personne ne l’a décrite.",
    ),
    "es": _Sentences(
        "Una imagen hecha por {model} con estas palabras: {prompt}",
        "Una imagen hecha por {model}. Nadie la ha descrito.",
    ),
    "it": _Sentences(
        "Un’immagine creata da {model} con queste parole: {prompt}",
        "Un’immagine creata da {model}. Nessuno l’ha descritta.",
    ),
    "pt": _Sentences(
        "Uma imagem feita por {model} a partir destas palavras: {prompt}",
        "Uma imagem feita por {model}. Ninguém a descreveu.",
    ),
    "nl": _Sentences(
        "Een beeld dat {model} van deze woorden heeft gemaakt: {prompt}",
        "Een beeld dat {model} heeft gemaakt. Niemand heeft het beschreven.",
    ),
    "ja": _Sentences(
        "{model}が次の言葉から作った画像：{prompt}",
        "{model}が作った画像。説明はまだありません。",
    ),
}


def wish(painting: Painting) -> str | None:
    """The language that a painter is to describe a picture in, as `protocol.Paint` wants it."""
    return None if painting.description else painting.language


def complete(finished: Finished, painting: Painting, settings: PaintingSettings) -> Finished:
    """What a painter said of a picture, with the alt text that the picture is to have.

    Args:
        settings: what a model says obeys the same rules about words as what people ask for.
    """
    if painting.description:  # its author's own always wins
        return msgspec.structs.replace(finished, description=painting.description, described_by="")
    if seen := sayable(finished.description, settings):
        by = text.name(finished.described_by, MAX_NAME)
        return msgspec.structs.replace(finished, description=seen, described_by=by)
    prompt = finished.recipe.prompt if painting.share_recipe else ""
    return msgspec.structs.replace(
        finished,
        description=by_rules(finished.model, prompt, painting.language),
        described_by=PROMPT,
    )


def by_rules(model: str, prompt: str, language: str) -> str:
    """What can honestly be said of a picture that nobody looked at.

    Args:
        model: what painted it, as people read it.
        prompt: what it was painted from; empty if that is not told.
        language: of the sentence (BCP 47).
    """
    sentences = _SENTENCES.get(languages.primary(language), _SENTENCES["en"])
    prompt = " ".join(prompt.split())
    if len(prompt) > MAX_PROMPT:
        prompt = prompt[: MAX_PROMPT - 1].rstrip() + "…"
    sentence = sentences.shared if prompt else sentences.private
    return sentence.format(model=model, prompt=prompt)


def verdict(finished: Finished, painting: Painting, settings: PaintingSettings) -> Verdict:
    """What follows from what a model sees in a picture, by the rules about words: it is marked
    where its prompt would have been, or not been painted; what is never painted, a moderator sees
    first.

    Args:
        finished: what the painter said.
    """
    if painting.description:  # the painter was not asked
        return Verdict.SHOW
    return _verdict(finished.description, settings)


def doubtful(said: str, settings: PaintingSettings) -> bool:
    """Whether not everybody should see a picture in which a model sees this."""
    return _verdict(said, settings) is not Verdict.SHOW


def _verdict(said: str, settings: PaintingSettings) -> Verdict:
    seen = text.name(said, MAX_SEEN)
    if minors.shows(seen):
        return Verdict.HOLD
    try:
        return Verdict.MARK if appraisal.judge_words(settings, seen) else Verdict.SHOW
    except Invalid:
        return Verdict.MARK


def sayable(said: str, settings: PaintingSettings) -> str:
    """What a model saw, in one line of plain text; empty if it says what may not be said here."""
    seen = text.name(said, MAX_SEEN)
    try:
        appraisal.judge_words(settings, seen)
    except Invalid:
        return ""
    return seen
