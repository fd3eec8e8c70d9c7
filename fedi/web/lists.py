"""Lists: the page of all, how one is made, called and filled, and on which somebody is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database import Session
from fedi.database.tables import Account, UserList
from fedi.runtime import easel_of
from fedi.social import accounts, follows, lists
from fedi.social.errors import Invalid, SocialError
from fedi.social.paging import Page
from fedi.social.sessions import SignedIn
from fedi.studio.remote_files import claims, gallery
from fedi.web import cursors, forms, visitors
from fedi.web.settings import sheets
from fedi.web.settings.people import of_many
from fedi.web.views import people

LENGTH = 40  # members on one page
MOST_PROPOSED = 200  # of those whom somebody follows, as a field proposes them
ANSWERS = {
    "list": "To people on this list",
    "followed": "To anybody I follow",
    "none": "To nobody",
}
assert set(ANSWERS) == set(lists.POLICIES)
NOBODY = "There is no such account here."


@visitors.signed_in
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /lists`: the lists that somebody has made."""
    return await _every(request, visitor)


@visitors.signed_in
async def make(request: Request, visitor: SignedIn) -> Response:
    """`POST /lists`: one more."""
    title = (await forms.read(request)).get("title", "")
    try:
        sheets.count(request, visitor)
        if not title.strip():
            raise Invalid("Give the list a name.")
        async with easel_of(request).database.write() as tx:
            row = await lists.create(tx, visitor.account, title)
    except SocialError as error:
        return await _every(request, visitor, title, error)
    return sheets.back(f"/lists/{row.id}/arrange")


async def _every(
    request: Request, visitor: SignedIn, typed: str = "", error: SocialError | None = None
) -> Response:
    async with easel_of(request).database.read() as session:
        rows = await lists.of_account(session, visitor.account)
    return sheets.show(
        request,
        "lists.html",
        error=error,
        here="lists",
        lists=rows,
        typed=typed,
        longest=lists.MAX_TITLE,
    )


@visitors.signed_in
async def arrange(request: Request, visitor: SignedIn) -> Response:
    """`GET /lists/ID/arrange`: what it is called, and who is on it."""
    async with easel_of(request).database.read() as session:
        row = await lists.find(session, visitor.account, _number(request))
    typed = {"title": row.title, "answers": row.replies_policy}
    return await _page(request, visitor, row, typed | ({"exclusive": "1"} if row.exclusive else {}))


@visitors.signed_in
async def change(request: Request, visitor: SignedIn) -> Response:
    """`POST /lists/ID/arrange`."""
    fields = await forms.read(request)
    async with easel_of(request).database.read() as session:
        known = await lists.find(session, visitor.account, _number(request))
    try:
        sheets.count(request, visitor)
        if not fields.get("title", "").strip():
            raise Invalid("Give the list a name.")
        async with easel_of(request).database.write() as tx:
            await lists.change(
                tx,
                await lists.find(tx, visitor.account, known.id),
                fields["title"],
                replies_policy=fields.get("answers", ""),
                exclusive="exclusive" in fields,
            )
    except SocialError as error:
        return await _page(request, visitor, known, fields, error)
    return sheets.back(_path(known), kept=True)


@visitors.signed_in
async def delete(request: Request, visitor: SignedIn) -> Response:
    """`POST /lists/ID/delete`."""
    await forms.read(request)
    sheets.count(request, visitor)
    async with easel_of(request).database.write() as tx:
        await tx.delete(await lists.find(tx, visitor.account, _number(request)))
    return sheets.back("/lists")


@visitors.signed_in
async def add(request: Request, visitor: SignedIn) -> Response:
    """`POST /lists/ID/add`: somebody by their address."""
    handle = (await forms.read(request)).get("who", "").strip()
    easel = easel_of(request)
    async with easel.database.read() as session:
        row = await lists.find(session, visitor.account, _number(request))
    try:
        sheets.count(request, visitor)
        async with easel.database.write() as tx:
            somebody = await accounts.by_handle(tx, handle)
            if somebody is None or not await _may_stand(tx, visitor.account, somebody):
                raise Invalid("Only whom you follow can be on a list: name them by their address.")
            await lists.add(tx, visitor.account, row, [somebody.id])
    except SocialError as error:
        typed = {"title": row.title, "answers": row.replies_policy, "who": handle}
        typed |= {"exclusive": "1"} if row.exclusive else {}
        return await _page(request, visitor, row, typed, error)
    return sheets.back(_path(row))


async def _may_stand(session: Session, account: Account, other: Account) -> bool:
    if other.id == account.id:
        return True
    return await follows.find(session, account.id, other.id) is not None


@visitors.signed_in
async def put(request: Request, visitor: SignedIn) -> Response:
    """`POST /lists/ID/put` and `…/take`: somebody on it, or off it."""
    fields = await forms.read(request)
    number = sheets.number(fields)
    sheets.count(request, visitor)
    async with easel_of(request).database.write() as tx:
        row = await lists.find(tx, visitor.account, _number(request))
        if request.url.path.endswith("/put"):
            await lists.add(tx, visitor.account, row, [number])
        else:
            await lists.remove(tx, row, [number])
    return sheets.back(visitors.next_path(fields.get("next", _path(row))))


@visitors.signed_in
async def with_somebody(request: Request, visitor: SignedIn) -> Response:
    """`GET /people/ID/lists`: on which of one's lists somebody is."""
    easel, number = easel_of(request), _number(request)
    async with easel.database.read() as session:
        somebody = await accounts.by_id(session, number)
        if somebody is None or not accounts.is_person(somebody):
            raise HTTPException(404, NOBODY)
        rows = await lists.of_account(session, visitor.account)
        on = {row.id for row in await lists.with_member(session, visitor.account, number)}
        followed = await _may_stand(session, visitor.account, somebody)
        hung = await gallery.of(easel, session, claims.of_account(somebody))
    return sheets.show(
        request,
        "lists_with.html",
        here="lists",
        maker=people.maker(somebody, hung, visitor.account),
        account_id=str(number),
        lists=[(row, row.id in on) for row in rows],
        followed=followed,
    )


async def _page(
    request: Request,
    visitor: SignedIn,
    row: UserList,
    typed: Mapping[str, str],
    error: SocialError | None = None,
) -> Response:
    easel, max_id = easel_of(request), cursors.max_id(request)
    async with easel.database.read() as session:
        rows = await lists.members(session, row, Page(LENGTH + 1, max_id))
        found = rows[:LENGTH]
        followed = await follows.following(session, visitor.account, limit=MOST_PROPOSED)
        hung = await gallery.of(easel, session, of_many([member for _, member in found]))
    path = _path(row)
    told: dict[str, Any] = {"who": ""} | dict(typed)
    return sheets.show(
        request,
        "arrange_list.html",
        error=error,
        here="lists",
        row=row,
        path=path,
        typed=told,
        answers=ANSWERS,
        longest=lists.MAX_TITLE,
        members=[
            (people.maker(member, hung, visitor.account), str(member.id)) for _, member in found
        ],
        proposed=[other.acct for _, other in followed],
        older=f"{path}?max_id={found[-1][0]}" if len(rows) > LENGTH else None,
        newer=path if max_id else None,
    )


def _path(row: UserList) -> str:
    return f"/lists/{row.id}/arrange"


def _number(request: Request) -> int:
    return int(request.path_params["id"])


routes: list[BaseRoute] = [
    Route("/lists", show, methods=["GET"]),
    Route("/lists", make, methods=["POST"]),
    Route("/lists/{id:int}/arrange", arrange, methods=["GET"]),
    Route("/lists/{id:int}/arrange", change, methods=["POST"]),
    Route("/lists/{id:int}/delete", delete, methods=["POST"]),
    Route("/lists/{id:int}/add", add, methods=["POST"]),
    Route("/lists/{id:int}/put", put, methods=["POST"]),
    Route("/lists/{id:int}/take", put, methods=["POST"]),
    Route("/people/{id:int}/lists", with_somebody, methods=["GET"]),
]
