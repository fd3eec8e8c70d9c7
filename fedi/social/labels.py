"""The honest label: what a post's pictures are, by what they and their author say.

`undeclared` says nothing, `none` that no machine painted, `generated` that a model painted,
`edited` that a model worked on a picture that was there before.
"""

from __future__ import annotations

from collections.abc import Iterable

from fedi.database.tables import MediaAttachment
from fedi.social import text

AI_LABEL = "AIgenerated"  # the hashtag; filters of Mastodon and others can work on it

MADE = ("generated", "edited")  # the labels of what a model had a hand in

# The ends of IPTC's digital source types (provenance.md 5.2).
PAINTED = "trainedAlgorithmicMedia"
PAINTED_OVER = "compositeWithTrainedAlgorithmicMedia"
ENHANCED = "algorithmicallyEnhanced"


def of_media(media: Iterable[MediaAttachment]) -> str:
    """What a local post's pictures are."""
    kinds = _kinds(media)
    if PAINTED in kinds:
        return "generated"
    return "edited" if kinds & {PAINTED_OVER, ENHANCED} else "undeclared"


def of_post(media: Iterable[MediaAttachment], tags: Iterable[str]) -> str:
    """What a local post is; an author may say by the hashtag what an upload cannot."""
    label = of_media(media)
    tagged = text.normal_tag(AI_LABEL) in map(text.normal_tag, tags)
    return "generated" if tagged and label == "undeclared" else label


def needs_hashtag(media: Iterable[MediaAttachment]) -> bool:
    """Whether a model painted any of it: then the post must say so in a way that filters see."""
    return bool(_kinds(media) & {PAINTED, PAINTED_OVER})


def _kinds(media: Iterable[MediaAttachment]) -> set[str]:
    return {(medium.digital_source_type or "").rpartition("/")[2] for medium in media}
