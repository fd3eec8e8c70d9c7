"""Which pictures look like those that a reader did something with, by the sketches that a model
made of them (`generation.recognition`).

Pictures are found by what they have in common, concepts among it; here they are set against each
other. What counts is the nearest of the reader's: a picture is not less like a harbour at night for
being unlike everything else that they liked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from itertools import islice
from typing import Any

from sqlalchemy import select

from fedi.database import Session
from fedi.database.among import among
from fedi.database.insertion import table_of
from fedi.database.tables import PictureLook
from fedi.social.for_you import formula
from fedi.social.for_you.taste import Taste

COMPARED = 32  # pictures that the reader did something with, the latest

_LOOK = table_of(PictureLook)
_SKETCHES: Any = select(_LOOK.c.status_id, _LOOK.c.model, _LOOK.c.sketch).where(
    among(_LOOK.c.status_id, "ids"), _LOOK.c.sketch.is_not(None)
)


async def near(
    session: Session, taste: Taste, pool: Collection[int]
) -> dict[int, tuple[int, float]]:
    """What pictures look like.

    Args:
        pool: the posts of the pictures.

    Returns:
        By post: which one of the reader's it looks like, and what that says for it; below 0 what
        it says against it, where that is one that they want less of. Nothing for the others.
    """
    done = dict(islice(taste.done.items(), COMPARED))
    if not done or not pool:
        return {}
    asked = {"ids": [*pool, *done]}
    # By model: sketches of the reader's, and whose they are, in the same order.
    mine: defaultdict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    theirs: list[tuple[int, str, int]] = []
    for status_id, model, written in (await session.execute(_SKETCHES, asked)).all():
        sketch = int.from_bytes(written, "big")
        if status_id in done:
            sketches, posts = mine[model]
            sketches.append(sketch)
            posts.append(status_id)
        else:
            theirs.append((status_id, model, sketch))
    nearest: dict[int, tuple[int, int]] = {}
    for status_id, model, sketch in theirs:
        sketches, posts = mine[model]
        if sketches:
            apart = [(sketch ^ one).bit_count() for one in sketches]
            least = min(apart)
            if status_id not in nearest or least < nearest[status_id][0]:
                nearest[status_id] = least, posts[apart.index(least)]
    if not nearest:
        return {}
    limit = formula.alike_below([bits for bits, _ in nearest.values()])
    return {
        status_id: (liked, formula.alike(bits / limit, done[liked][1]))
        for status_id, (bits, liked) in nearest.items()
        if bits < limit
    }


async def comparable(session: Session, status_ids: Collection[int]) -> set[int]:
    """Those of some posts that have a picture to compare still."""
    rows = (await session.execute(_SKETCHES, {"ids": list(status_ids)})).all()
    return {status_id for status_id, _, _ in rows}
