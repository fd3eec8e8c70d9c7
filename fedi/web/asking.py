"""The part of a form in which a poll is written: what can be chosen, and for how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import ceil

from fedi.database.tables import Poll
from fedi.social import polls, text
from fedi.social.errors import Invalid
from fedi.social.polls import DraftPoll

LONGEST = polls.OWN_OPTION  # characters of one answer
AT_ONCE = 4  # answers that can be seen; the others are under a fold
STAYS = "as it was"
USUAL_END = "86400"
ENDS = {  # seconds: those that Mastodon's page offers
    "300": "In 5 minutes",
    "1800": "In 30 minutes",
    "3600": "In an hour",
    "21600": "In 6 hours",
    "43200": "In 12 hours",
    USUAL_END: "In a day",
    "259200": "In 3 days",
    "604800": "In a week",
}
NAMES = [f"answer-{number}" for number in range(1, polls.OWN_OPTIONS + 1)]


def read(fields: Mapping[str, str], left: int | None = None) -> DraftPoll | None:
    """The poll in a form; None if nobody wrote one.

    Args:
        left: seconds until it ends if that stays as it was; None if it cannot.

    Raises:
        Invalid: it is none that could be voted in.
    """
    written = [" ".join(text.clean(fields.get(name, "")).split()) for name in NAMES]
    answers = [answer for answer in written if answer]
    if not answers:
        return None
    if len(answers) < 2:
        raise Invalid("A poll needs two answers at least.")
    if len(set(answers)) < len(answers):
        raise Invalid("Two answers of the poll are the same.")
    if max(map(len, answers)) > LONGEST:
        raise Invalid(f"An answer of a poll has at most {LONGEST} characters.")
    ends = fields.get("poll_ends")
    if ends == STAYS and left is not None:
        seconds = left
    elif ends in ENDS:
        seconds = int(ends)
    else:
        raise Invalid("Choose when the poll ends.")
    return DraftPoll(
        options=answers,
        expires_in=seconds,
        multiple="poll_multiple" in fields,
        hide_totals="poll_hidden" in fields,
    )


def last(fields: Mapping[str, str]) -> int:
    """Which answer of a form is the last that has words; 0: none has."""
    written = [number for number, name in enumerate(NAMES, 1) if fields.get(name, "").strip()]
    return max(written, default=0)


def left(poll: Poll, now: datetime) -> int | None:
    """Seconds until a poll ends, as many as a poll must have at least; None if it has ended."""
    if poll.ends_at is None or polls.has_ended(poll, now):
        return None
    return max(polls.LEAST_EXPIRATION_S, ceil((poll.ends_at - now).total_seconds()))


def is_same(poll: Poll, draft: DraftPoll | None, fields: Mapping[str, str]) -> bool:
    """Whether a form leaves a poll as it is."""
    return (
        draft is not None
        and fields.get("poll_ends") == STAYS
        and draft.options == [option["title"] for option in poll.options]
        and (draft.multiple, draft.hide_totals) == (poll.multiple, poll.hide_totals)
    )


def typed(poll: Poll) -> dict[str, str]:
    """The fields of a poll as it stands."""
    titles = [option["title"] for option in poll.options]
    return _fields(titles, STAYS, poll.multiple, poll.hide_totals)


def drafted(poll: DraftPoll) -> dict[str, str]:
    """The fields of a poll that is still to be posted."""
    ends = str(poll.expires_in)
    chosen = ends if ends in ENDS else STAYS
    return _fields(poll.options, chosen, poll.multiple, poll.hide_totals)


def _fields(titles: Sequence[str], ends: str, multiple: bool, hidden: bool) -> dict[str, str]:
    found = {"poll_ends": ends} | dict(zip(NAMES, titles, strict=False))
    if multiple:
        found["poll_multiple"] = "1"
    if hidden:
        found["poll_hidden"] = "1"
    return found
