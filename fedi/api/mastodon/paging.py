"""Pages of listings: `max_id`, `since_id`, `min_id` and `limit` in, `Link` out; everywhere so.

What is no id, or no number, counts as not said, as in Mastodon.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from msgspec import Struct
from starlette.requests import Request

from fedi import ids
from fedi.social.paging import MAX_PAGE, Page

USUAL = 20  # statuses of a page
USUAL_ACCOUNTS = 40
CURSORS = ("max_id", "since_id", "min_id")

# Characters. nginx has room for 4 kB of headers where nothing else is set, aiohttp for 8 in one.
MAX_LINK = 3000

_ID = re.compile(r"[0-9]{1,19}")


class Asked(Struct, kw_only=True):
    """What listings take besides their own; a struct of parameters can be built on it."""

    max_id: str = ""
    since_id: str = ""
    min_id: str = ""
    limit: str = ""
    only_media: bool = False

    def page(self, usual: int = USUAL) -> Page:
        """Which part is asked for.

        Args:
            usual: how many, if it is not said; twice as many at most.
        """
        return Page(
            limit=_limit(self.limit, usual),
            max_id=ids.parse(self.max_id),
            since_id=ids.parse(self.since_id),
            min_id=ids.parse(self.min_id),
            only_media=self.only_media,
        )


class Paged(Struct, frozen=True):
    """A page as it is answered.

    Args:
        items: entities, the newest first; or one that holds them.
        newest, oldest: the ids by which the listing is ordered; None of a page without rows.
    """

    items: Any
    newest: int | None
    oldest: int | None


def paged(items: Sequence[Any], ids: Sequence[int]) -> Paged:
    """A page.

    Args:
        items: the entities; some rows may have none that the viewer may see.
        ids: those of the rows, the newest first.
    """
    return Paged(items, ids[0] if ids else None, ids[-1] if ids else None)


def links(request: Request, base: str, page: Paged) -> dict[str, str]:
    """The `Link` header of a page: older is next, newer is prev. None for who asked in more words
    than the header has room for.

    Args:
        request: whose other parameters are kept.
        base: the address of this instance.
    """
    if page.newest is None or page.oldest is None:
        return {}
    query = request.scope["query_string"].decode("utf-8", "replace")
    kept = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in CURSORS]

    def address(cursor: str, id_: int) -> str:
        return f"{base}{request.url.path}?{urlencode([*kept, (cursor, str(id_))])}"

    link = (
        f'<{address("max_id", page.oldest)}>; rel="next", '
        f'<{address("min_id", page.newest)}>; rel="prev"'
    )
    return {"Link": link} if len(link) <= MAX_LINK else {}


def _limit(text: str, usual: int) -> int:
    asked = ids.parse(text.lstrip("-")) or usual
    return min(asked, 2 * usual, MAX_PAGE)
