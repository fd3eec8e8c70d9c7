"""`/settings/tags`: the hashtags that somebody follows."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Account
from fedi.runtime import easel_of
from fedi.social import followed_tags, text
from fedi.social.errors import Invalid, NotFound, SocialError
from fedi.social.paging import Page
from fedi.social.sessions import SignedIn
from fedi.web import cursors, forms, visitors
from fedi.web.settings import sheets
from fedi.web.settings.people import LENGTH, TIES

HERE = "/settings/tags"


@visitors.signed_in
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /settings/tags`."""
    return await _page(request, visitor)


@visitors.signed_in
async def follow(request: Request, visitor: SignedIn) -> Response:
    """`POST /settings/tags`: follow one more."""
    typed = (await forms.read(request)).get("tag", "")
    try:
        sheets.count(request, visitor)
        async with easel_of(request).database.write() as tx:
            account = await tx.get_one(Account, visitor.account.id)
            try:
                await followed_tags.follow(tx, account, typed)
            except NotFound as error:
                raise Invalid("A hashtag is one word: letters, digits and underscores.") from error
    except SocialError as error:
        return await _page(request, visitor, typed, error)
    return sheets.back(HERE)


@visitors.signed_in
async def unfollow(request: Request, visitor: SignedIn) -> Response:
    """`POST /settings/tags/unfollow`."""
    typed = (await forms.read(request)).get("tag", "")
    sheets.count(request, visitor)
    async with easel_of(request).database.write() as tx:
        account = await tx.get_one(Account, visitor.account.id)
        await followed_tags.unfollow(tx, account, typed)
    return sheets.back(HERE)


async def _page(
    request: Request, visitor: SignedIn, typed: str = "", error: SocialError | None = None
) -> Response:
    max_id = cursors.max_id(request)
    async with easel_of(request).database.read() as session:
        rows = await followed_tags.of_account(session, visitor.account, Page(LENGTH + 1, max_id))
    found = rows[:LENGTH]
    return sheets.show(
        request,
        "followed_tags.html",
        error=error,
        kin=TIES,
        typed=typed,
        tags=[(tag.display_name, f"/tags/{quote(tag.name)}") for _, tag in found],
        longest=text.MAX_TAG_LENGTH + 1,
        older=f"{HERE}?max_id={found[-1][0]}" if len(rows) > LENGTH else None,
        newer=HERE if max_id else None,
    )


routes: list[BaseRoute] = [
    Route(HERE, show, methods=["GET"]),
    Route(HERE, follow, methods=["POST"]),
    Route(f"{HERE}/unfollow", unfollow, methods=["POST"]),
]
