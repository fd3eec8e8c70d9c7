"""The latest post with each of some prompts, as somebody may see it.

Of each prompt the newest posts are looked at, as many as of any other: one with which many post
hides no other. Only where none of them may be shown, those before them are looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.among import among
from fedi.database.tables import Account, MediaAttachment, Status, TrendSignal
from fedi.social.trends import subjects
from fedi.social.visibility import visible_to

MAX_POSTS = 300  # that are looked at together, of all prompts
ROUNDS = 4  # the first, and how often those further back are looked at


@dataclass(frozen=True, slots=True)
class Example:
    """A post with a prompt, and the prompt as its author wrote it."""

    status_id: int
    words: str


async def of(
    session: Session,
    viewer: Account | None,
    numbers: Sequence[int],
    shown: Sequence[ColumnElement[bool]],
) -> dict[int, Example]:
    """The latest posts with prompts, of those of which there is one that may be shown.

    Args:
        numbers: of the prompts.
        shown: what else must hold of a post than that the viewer may see it.

    Returns:
        By the numbers of the prompts.
    """
    found: dict[int, Example] = {}
    wanted, passed = list(numbers), 0
    for _ in range(ROUNDS):
        if not wanted:
            break
        many = MAX_POSTS // len(wanted)
        posts = await _newest(session, wanted, passed, many)
        told = await _told(session, viewer, {one for some in posts.values() for one in some}, shown)
        for number, some in posts.items():
            latest = next((one for one in some if number in told.get(one, {})), None)
            if latest is not None:
                found[number] = Example(latest, told[latest][number])
        wanted = [number for number in wanted if number not in found and len(posts[number]) == many]
        passed += many
    return found


async def _newest(
    session: Session, numbers: Sequence[int], passed: int, many: int
) -> dict[int, list[int]]:
    """The ids of the posts for which prompts are counted, the newest of each first.

    Args:
        passed: so many of each are left out.
        many: so many of each follow.
    """
    place = func.row_number().over(
        partition_by=col(TrendSignal.subject_id), order_by=col(TrendSignal.source_id).desc()
    )
    placed = (
        select(col(TrendSignal.subject_id), col(TrendSignal.source_id), place.label("place"))
        .where(TrendSignal.kind == "prompt", col(TrendSignal.subject_id).in_(numbers))
        .group_by(col(TrendSignal.subject_id), col(TrendSignal.source_id))
        .subquery()
    )
    query = (
        select(placed.c.subject_id, placed.c.source_id)
        .where(placed.c.place > passed, placed.c.place <= passed + many)
        .order_by(placed.c.place)
    )
    found: dict[int, list[int]] = {number: [] for number in numbers}
    for number, status_id in (await session.execute(query)).all():
        found[number].append(status_id)
    return found


async def _told(
    session: Session,
    viewer: Account | None,
    posts: Collection[int],
    shown: Sequence[ColumnElement[bool]],
) -> dict[int, dict[int, str]]:
    """The prompts that posts tell of now, by their numbers, of each that may be shown."""
    query = (
        visible_to(viewer)
        .join(MediaAttachment, col(MediaAttachment.status_id) == col(Status.id))
        .with_only_columns(col(Status.id), col(MediaAttachment.ai_prompt))
        .where(
            among(col(Status.id), "ids"),
            col(MediaAttachment.share_recipe).is_(True),
            col(MediaAttachment.ai_prompt) != "",
            # What stands behind a warning is not written out without it.
            col(Status.sensitive).is_(False),
            col(Status.spoiler_text) == "",
            *shown,
        )
    )
    found: defaultdict[int, dict[int, str]] = defaultdict(dict)
    for status_id, words in (await session.execute(query, {"ids": list(posts)})).all():
        found[status_id].setdefault(subjects.number_of(subjects.prompt(words)), words)
    return found
