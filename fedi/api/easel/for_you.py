"""«For you»: a feed of pictures that a reader switched on, each with its reason.

All of it is about what one person likes, their bookmarks among it: so it needs the whole of `read`
and `write`. A picture is a Status as in Mastodon's API, and has besides

    "reason": {"kind": "author" | "tag" | "term" | "look" | "alike" | "follow" | "friends" | "new",
               "words": "Because you liked 4 pictures with #ukiyoe",
               "about": "#ukiyoe",   a hashtag, words of the prompt, a handle, what it shows, the id
                                    of a status that it looks like, or ""
               "count": 4},          pictures, or people; 0 where nothing is counted
    "wanted": true | false           whether the reader said «more like this»
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from fedi import ids
from fedi.api import body
from fedi.api.mastodon import entities
from fedi.api.mastodon.paging import USUAL
from fedi.api.mastodon.route import Call, route
from fedi.api.mastodon.views import statuses as views
from fedi.database.tables import Account
from fedi.social import statuses
from fedi.social.errors import NotAllowed, NotFound
from fedi.social.for_you import choices, feed, marks
from fedi.social.for_you.choices import Tuning

PATH = "/api/easel/v1/timelines/for_you"
PREFERENCES = "/api/easel/v1/for_you"


class Reason(msgspec.Struct, kw_only=True):
    """Why something is there."""

    kind: str
    words: str
    about: str
    count: int


class Fitting(entities.Status, kw_only=True):
    """A status of the feed."""

    reason: Reason
    wanted: bool


async def show(call: Call) -> list[Fitting]:
    """`GET /api/easel/v1/timelines/for_you`: a page of the feed. `limit` is 20, at most 40; what
    comes next is linked as `next`, and its `cursor` holds for a day.

    403 if the feed is off, 404 for a cursor that does not hold any more.
    """
    asked = call.request.query_params
    limit = min(ids.parse(asked.get("limit")) or USUAL, feed.MOST)
    cursor = asked.get("cursor")
    async with feed.page(call.easel.database, call.account, cursor, limit) as (session, part):
        found = [item.post for item in part.items]
        shown = await views.show_posts(call.easel, session, call.account, found)
    if part.next is not None:
        query = urlencode({"limit": limit, "cursor": part.next})
        call.headers["Link"] = f'<{call.easel.settings.instance.url}{PATH}?{query}>; rel="next"'
    return [
        Fitting(
            **{name: getattr(status, name) for name in entities.Status.__struct_fields__},
            reason=Reason(
                kind=item.reason.kind,
                words=item.reason.words,
                about=item.reason.about,
                count=item.reason.count,
            ),
            wanted=item.wanted,
        )
        for status, item in zip(shown, part.items, strict=True)
    ]


def marking(more: bool | None) -> Callable[[Call], Awaitable[dict[str, Any]]]:
    """`POST /api/easel/v1/timelines/for_you/ID/more` and `less`; `neither` takes it back."""

    async def mark(call: Call) -> dict[str, Any]:
        async with call.easel.database.write() as tx:
            account = await tx.get_one(Account, call.account.id)
            status = await statuses.load(tx, account, call.id())
            if status is None:
                raise NotFound("There is no such post.")
            if more is None:
                await marks.take(tx, account, status)
            else:
                await marks.put(tx, account, status, more=more)
        return {"id": call.text("id"), "more": more}

    return mark


async def preferences(call: Call) -> dict[str, Any]:
    """`GET /api/easel/v1/for_you`: whether the feed is on, and how it is tuned."""
    async with call.easel.database.read() as session:
        row = await choices.of(session, call.account)
    return _told(choices.tuning(row), enabled=row is not None)


async def change(call: Call) -> dict[str, Any]:
    """`PATCH /api/easel/v1/for_you`: switch it on or off (`enabled`), or tune it; what is not said
    stays as it was. Switched off, nothing is left of it."""
    said = await body.read_object(call.request)
    enabled = said.pop("enabled", None)
    if enabled is not None and not isinstance(enabled, bool):
        raise HTTPException(400, "“enabled” is true or false.")
    unknown = said.keys() - set(Tuning.__slots__)
    if unknown:
        raise HTTPException(400, f"There is no “{min(unknown)}”.")
    async with call.easel.database.write() as tx:
        account = await tx.get_one(Account, call.account.id)
        row = await choices.of(tx, account)
        chosen = choices.read(said, choices.tuning(row))
        if enabled is False:
            await choices.switch_off(tx, account)
            return _told(choices.USUAL, enabled=False)
        if row is None and not enabled:
            raise NotAllowed(choices.OFF)
        await choices.switch_on(tx, account, chosen)
        return _told(chosen, enabled=True)


async def reset(call: Call) -> dict[str, Any]:
    """`DELETE /api/easel/v1/for_you`: forget all of it, and begin anew with what one does from now
    on."""
    async with call.easel.database.write() as tx:
        account = await tx.get_one(Account, call.account.id)
        await choices.reset(tx, account)
    return await preferences(call)


def _told(chosen: Tuning, *, enabled: bool) -> dict[str, Any]:
    return {"enabled": enabled} | {name: getattr(chosen, name) for name in Tuning.__slots__}


routes: list[BaseRoute] = [
    route("GET", PATH, show, "read"),
    route("POST", f"{PATH}/{{id}}/more", marking(True), "write"),
    route("POST", f"{PATH}/{{id}}/less", marking(False), "write"),
    route("POST", f"{PATH}/{{id}}/neither", marking(None), "write"),
    route("GET", PREFERENCES, preferences, "read"),
    route("PATCH", PREFERENCES, change, "write"),
    route("DELETE", PREFERENCES, reset, "write"),
]
