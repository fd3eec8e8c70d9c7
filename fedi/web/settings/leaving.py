"""`/settings/leaving`: to another server and from one, and deleting the account."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Account
from fedi.federation import moving
from fedi.runtime import easel_of
from fedi.social import accounts, attempts, credentials, email_changes, moves
from fedi.social.errors import Invalid, SocialError
from fedi.social.sessions import SignedIn
from fedi.web import cookies, forms, visitors
from fedi.web.settings import sheets
from fedi.web.views.links import safe_link

HERE = "/settings/leaving"
# Each makes us ask another server.
MOVES = attempts.Limit("moves and aliases of an account by pages", 20, 3600)


@visitors.signed_in
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /settings/leaving`."""
    return await _page(request, visitor, {})


@visitors.freshly_signed_in
async def name_another(request: Request, visitor: SignedIn) -> Response:
    """`POST …/aliases`: another account is the same person, and may move here."""
    fields = await forms.read(request)
    try:
        sheets.count(request, visitor, MOVES)
        if not fields.get("other", "").strip():
            raise Invalid("Name the other account by its address.")
        await moving.alias(easel_of(request), visitor.account.id, fields["other"].strip())
    except SocialError as error:
        return await _page(request, visitor, fields, error)
    return sheets.back(HERE, kept=True)


@visitors.freshly_signed_in
async def unname(request: Request, visitor: SignedIn) -> Response:
    """`POST …/aliases/remove`."""
    fields = await forms.read(request)
    sheets.count(request, visitor)
    async with easel_of(request).database.write() as tx:
        account = await tx.get_one(Account, visitor.account.id)
        await moves.remove_alias(tx, account, fields.get("uri", ""))
    return sheets.back(HERE, kept=True)


@visitors.freshly_signed_in
async def move(request: Request, visitor: SignedIn) -> Response:
    """`POST …/move`: who follows this account is asked to follow another."""
    fields = await forms.read(request)
    try:
        sheets.count(request, visitor, MOVES)
        if not fields.get("whom", "").strip():
            raise Invalid("Name the new account by its address.")
        await _prove(request, visitor, fields)
        await moving.move(easel_of(request), visitor.account.id, fields["whom"].strip())
    except SocialError as error:
        return await _page(request, visitor, fields, error)
    return sheets.back(HERE, kept=True)


@visitors.freshly_signed_in
async def come_back(request: Request, visitor: SignedIn) -> Response:
    """`POST …/back`: an account that moved away is used again."""
    await forms.read(request)
    try:
        sheets.count(request, visitor)
        async with easel_of(request).database.write() as tx:
            await moves.come_back(tx, await tx.get_one(Account, visitor.account.id))
    except SocialError as error:
        return await _page(request, visitor, {}, error)
    return sheets.back(HERE, kept=True)


@visitors.freshly_signed_in
async def delete(request: Request, visitor: SignedIn) -> Response:
    """`POST …/delete`: for good."""
    fields = await forms.read(request)
    try:
        sheets.count(request, visitor)
        if fields.get("name", "").strip().lstrip("@").lower() != visitor.account.username.lower():
            raise Invalid("Type the name of your account, to be sure.")
        await _prove(request, visitor, fields)
        async with easel_of(request).database.write() as tx:
            account = await tx.get_one(Account, visitor.account.id)
            await accounts.delete_account(tx, account)
    except SocialError as error:
        return await _page(request, visitor, fields, error)
    answer = RedirectResponse("/", 303, {"Cache-Control": "no-store"})
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    cookies.end_session(request, answer)
    return answer


async def _prove(request: Request, visitor: SignedIn, fields: Mapping[str, str]) -> None:
    """That it is them, by their password if they have one.

    Raises:
        Invalid: it is wrong.
        TooMany: they tried too often.
    """
    if visitor.login.password_hash is None:
        return
    who = f"change {visitor.account.id}"
    limits = attempts.of(easel_of(request))
    now = easel_of(request).clock.now()
    limits.take(attempts.PASSWORDS_OF_ACCOUNT, who, now)
    if not await credentials.matches(visitor.login, fields.get("password", "")):
        raise Invalid(email_changes.WRONG_PASSWORD)
    limits.forget(attempts.PASSWORDS_OF_ACCOUNT, who)


async def _page(
    request: Request,
    visitor: SignedIn,
    typed: Mapping[str, str],
    error: SocialError | None = None,
) -> Response:
    async with easel_of(request).database.read() as session:
        account = await session.get_one(Account, visitor.account.id)
        known = [(uri, await accounts.by_uri(session, uri)) for uri in account.also_known_as]
        new = None
        if account.moved_to_uri is not None:
            new = await accounts.by_uri(session, account.moved_to_uri)
    moved = account.moved_to_uri
    return sheets.show(
        request,
        "leaving.html",
        error=error,
        typed=typed,
        username=account.username,
        fresh=visitors.is_fresh(request, visitor),
        has_password=visitor.login.password_hash is not None,
        aliases=[(uri, f"@{other.acct}" if other is not None else uri) for uri, other in known],
        moved="" if moved is None else f"@{new.acct}" if new is not None else moved,
        moved_href="" if moved is None else safe_link(moved),
        days=moves.COOL_DOWN.days,
    )


routes: list[BaseRoute] = [
    Route(HERE, show, methods=["GET"]),
    Route(f"{HERE}/aliases", name_another, methods=["POST"]),
    Route(f"{HERE}/aliases/remove", unname, methods=["POST"]),
    Route(f"{HERE}/move", move, methods=["POST"]),
    Route(f"{HERE}/back", come_back, methods=["POST"]),
    Route(f"{HERE}/delete", delete, methods=["POST"]),
]
