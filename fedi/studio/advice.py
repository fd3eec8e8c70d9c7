"""What is proposed for a post and its picture, within the rules that hold for its author, too.

What a model says comes from outside: it is read again here, cut, and judged like any words. What
no model says, rules do: title and hashtags out of the author's own words, an alt text that says
that nobody has looked, a warning of what words name (`generation.cautions`) or a classifier sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedi import logs
from fedi.settings import PaintingSettings, SafetySettings
from fedi.social.errors import Invalid
from fedi.studio import appraisal, descriptions
from fedi.studio.sights import Sight
from generation import cautions, minors, suggest
from generation.protocol import Suggested
from generation.recipe import without_unwritable

MAX_MODEL = 200  # characters of a language model's name, as its painter says it
# A picture is near the line from this share of it on: classifiers are not sure of the second digit.
NEAR = 0.75
USUAL_LINE = 0.5  # where a host never marks pictures

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class AltText:
    """What is proposed for those who cannot see a picture.

    Attributes:
        media_id: the picture.
        stands: its alt text as it is saved.
        model: which model saw it; empty if a rule said it.
        note: what its author should know before taking it, in one sentence.
    """

    media_id: int
    text: str
    stands: str
    model: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Warned:
    """A content warning, and in one sentence why; both are empty where nothing calls for one."""

    text: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """What is proposed.

    Attributes:
        prompt: empty where none is proposed.
        model: which model proposed it; empty if the rules did.
        note: why there is no more, in a sentence or two.
        alt_texts: of the pictures of which something can be said.
        warned: the content warning.
    """

    prompt: str
    title: str
    hashtags: tuple[str, ...]
    model: str = ""
    note: str = ""
    alt_texts: tuple[AltText, ...] = ()
    warned: Warned = Warned()


def believed(answer: Suggested | None, settings: PaintingSettings) -> Suggested | None:
    """What a model proposed, as far as it may be passed on; None if nothing of it may.

    Args:
        answer: None if no model was there.
    """
    if answer is None or not answer.model:
        return None
    proposed = suggest.read(
        f"Prompt: {answer.prompt}\nTitle: {answer.title}\n"
        f"Hashtags: {' '.join(answer.hashtags)}\nWarning: {answer.warning}",
        "",
    )
    model = without_unwritable(answer.model)[:MAX_MODEL]
    said = f"{proposed.prompt}\n{proposed.title}\n{' '.join(proposed.hashtags)}"
    try:
        appraisal.judge_words(settings, said)
    except Invalid:
        log.info("proposal_against_the_rules", model=model)
        return None
    # A warning names what the rules about words are against: it may hold them.
    warning = "" if minors.shows(proposed.warning) else proposed.warning
    return Suggested(
        request=answer.request,
        prompt=proposed.prompt,
        title=proposed.title,
        hashtags=proposed.hashtags,
        warning=warning,
        model=model,
    )


def alt_texts(sights: Sequence[Sight], language: str) -> tuple[AltText, ...]:
    """An alt text for each picture that a model saw, or of which its recipe tells something."""
    found = (_alt_text(one, language) for one in sights)
    return tuple(one for one in found if one is not None)


def _alt_text(one: Sight, language: str) -> AltText | None:
    media = one.media
    if one.seen:
        return AltText(media.id, one.seen, media.description, one.by)
    # Words of one's own are better than this.
    if not one.prompt or (media.description and media.described_by != descriptions.PROMPT):
        return None
    said = descriptions.by_rules(media.ai_system, one.prompt, language)
    if media.share_recipe:
        return AltText(media.id, said, media.description)
    note = "It tells the prompt, which you keep to yourself so far."
    return AltText(media.id, said, media.description, note=note)


def warned(
    words: str,
    sights: Sequence[Sight],
    answer: Suggested | None,
    *,
    painting: PaintingSettings,
    safety: SafetySettings,
    language: str,
) -> Warned:
    """The content warning that a post calls for.

    Args:
        words: all of it that is written: draft, prompt, and what is seen in its pictures.
        answer: what a model proposed, believed.
        language: of the warning (BCP 47).
    """
    if answer is not None and answer.warning:
        return Warned(answer.warning, f"{answer.model} proposes it.")
    if found := cautions.of_words(words):
        because = "The words of the post, or of what its picture shows, call for it."
        return Warned(cautions.said(found, language), because)
    sensitive = cautions.said(("sensitive",), language)
    line = safety.sensitive_at or USUAL_LINE
    judged = [one.judgement for one in sights if one.judgement is not None]
    highest = max(judged, key=lambda judgement: judgement.score, default=None)
    if highest is not None and not highest.score < NEAR * line:
        by = without_unwritable(highest.model)[:MAX_MODEL] or "The classifier"
        return Warned(
            sensitive,
            f"{by} gives the picture {highest.score:.2f}; "
            + (f"from {line:.2f} on pictures are marked here." if safety.sensitive_at else
               "1 is the highest."),
        )  # fmt: skip
    if any(one.doubtful for one in sights):
        return Warned(sensitive, "The picture is marked as sensitive.")
    if _marked(words, painting):
        return Warned(sensitive, "This host marks pictures with words like these.")
    return Warned()


def _marked(words: str, settings: PaintingSettings) -> bool:
    try:
        return appraisal.judge_words(settings, words)
    except Invalid:
        return True
