"""What follows from what a classifier says of a picture: the painter scores, the host decides."""

from __future__ import annotations

from enum import Enum

from fedi.settings import SafetySettings
from generation.protocol import Judgement

REFUSED = (
    "The picture was painted, but it is not kept: this instance does not show what it seems to "
    "show. Other words may help."
)


class Verdict(Enum):
    SHOW = "show"
    MARK = "mark"  # as sensitive
    HOLD = "hold"  # until a moderator has looked at it
    REFUSE = "refuse"


def stricter(one: Verdict, other: Verdict) -> Verdict:
    """The one of two that shows less."""
    return max(one, other, key=list(Verdict).index)


def of(settings: SafetySettings, judgement: Judgement | None) -> Verdict:
    """The strictest that applies.

    Args:
        judgement: None if no classifier looked at the picture.
    """
    if judgement is None:
        # Who holds back or refuses some pictures wants none to pass because a classifier failed.
        strict = settings.review_unjudged or settings.review_at or settings.refuse_at
        return Verdict.HOLD if strict else Verdict.SHOW
    for at, verdict in (
        (settings.refuse_at, Verdict.REFUSE),
        (settings.review_at, Verdict.HOLD),
        (settings.sensitive_at, Verdict.MARK),
    ):
        # A score that is no number (NaN) is as if it were the highest.
        if at and not judgement.score < at:
            return verdict
    return Verdict.SHOW
