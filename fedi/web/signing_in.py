"""The pages on which people sign in and out."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fedi.runtime import easel_of
from fedi.social import attempts, passkeys, sessions, sign_in
from fedi.social.errors import NotAllowed, SocialError
from fedi.social.sessions import SignedIn
from fedi.web import cookies, forms, visitors
from fedi.web.render import private_page


async def ask(request: Request) -> Response:
    """`GET /sign-in?next=PATH`: who is signed in goes on at once, unless `again` is set."""
    query = forms.parsed(request.url.query)
    goal = visitors.next_path(query.get("next", ""))
    visitor = await visitors.of(request)
    if visitor is not None and "again" not in query:
        return RedirectResponse(goal, 303, {"Cache-Control": "no-store"})
    return _page(request, goal, visitor=visitor)


async def answer(request: Request) -> Response:
    """`POST /sign-in`: a name and a password."""
    fields = await forms.read(request)
    goal = visitors.next_path(fields.get("next", ""))
    name = fields.get("name", "")
    try:
        token, complete = await sign_in.by_password(
            easel_of(request),
            name,
            fields.get("password", ""),
            address=_address(request),
            user_agent=_user_agent(request),
        )
    except SocialError as error:
        return _page(request, goal, error=error, name=name[: sign_in.MAX_NAME])
    await _close_former(request)
    if not complete:
        path = f"/sign-in/code?next={visitors.quoted(goal)}"
        response: Response = RedirectResponse(path, 303, {"Cache-Control": "no-store"})
        cookies.set_session(request, response, token, lasting=False)
        return response
    return enter(request, token, goal)


async def ask_code(request: Request) -> Response:
    """`GET /sign-in/code`: what one-time code, after the password."""
    goal = visitors.next_path(forms.parsed(request.url.query).get("next", ""))
    if await _half(request) is None:
        return visitors.to_sign_in(request, path=goal)
    return _code_page(request, goal)


async def answer_code(request: Request) -> Response:
    """`POST /sign-in/code`: a one-time code or a recovery code."""
    fields = await forms.read(request)
    goal = visitors.next_path(fields.get("next", ""))
    half = await _half(request)
    if half is None:
        return visitors.to_sign_in(request, path=goal)
    try:
        token = await sign_in.by_code(
            easel_of(request),
            half,
            cookies.session(request),
            fields.get("code", ""),
            _user_agent(request),
        )
    except SocialError as error:
        return _code_page(request, goal, error)
    return enter(request, token, goal)


async def ask_passkey(request: Request) -> Response:
    """`POST /sign-in/passkey/ask`: what a browser needs to ask for a passkey, as JSON."""
    await forms.read(request)
    easel = easel_of(request)
    attempts.by_address(easel, attempts.SIGN_INS_OF_ADDRESS, _address(request))
    async with easel.database.write() as tx:
        options = await passkeys.ask(tx)
    return Response(options, media_type="application/json", headers={"Cache-Control": "no-store"})


async def answer_passkey(request: Request) -> Response:
    """`POST /sign-in/passkey`: what the device said."""
    fields = await forms.read(request)
    goal = visitors.next_path(fields.get("next", ""))
    try:
        token = await sign_in.by_passkey(
            easel_of(request), fields.get("answer", ""), user_agent=_user_agent(request)
        )
    except NotAllowed as error:
        return _page(request, goal, error=error)
    await _close_former(request)
    return enter(request, token, goal)


async def leave(request: Request) -> Response:
    """`POST /sign-out`: in this browser."""
    await forms.read(request)
    await _close_former(request)
    # Nor does this browser keep pages that one could go back to, and words that were not sent.
    headers = {"Cache-Control": "no-store", "Clear-Site-Data": '"cache", "storage"'}
    response = RedirectResponse("/", 303, headers)
    cookies.end_session(request, response)
    return response


def _page(
    request: Request,
    goal: str,
    *,
    visitor: SignedIn | None = None,
    error: SocialError | None = None,
    name: str = "",
) -> Response:
    # Who wants to let an app in may be somebody else this time.
    confirming = visitor is not None and goal.startswith("/settings/")
    response = private_page(
        request,
        "sign_in.html",
        status=error.status if error is not None else 200,
        script=True,
        here="sign-in",
        form_key=forms.key(request),
        goal=goal,
        name=name or (visitor.account.username if confirming and visitor is not None else ""),
        confirming=confirming,
        joining=easel_of(request).settings.registrations.mode != "closed",
        error=str(error) if error is not None else "",
    )
    return forms.remember(request, forms.patient(response, error))


def _code_page(request: Request, goal: str, error: SocialError | None = None) -> Response:
    response = private_page(
        request,
        "sign_in_code.html",
        status=error.status if error is not None else 200,
        here="sign-in",
        form_key=forms.key(request),
        goal=goal,
        error=str(error) if error is not None else "",
    )
    return forms.patient(response, error)


def enter(request: Request, token: str, goal: str) -> Response:
    """On to where somebody was going, under a cookie that nobody knew before."""
    response = RedirectResponse(goal, 303, {"Cache-Control": "no-store"})
    cookies.set_session(request, response, token)
    return response


async def _close_former(request: Request) -> None:
    """Who signs in anew in a browser leaves no session behind in it."""
    former = cookies.session(request)
    if former:
        async with easel_of(request).database.write() as tx:
            await sessions.close(tx, former)


async def _half(request: Request) -> SignedIn | None:
    token = cookies.session(request)
    if not token:
        return None
    async with easel_of(request).database.read() as session:
        return await sessions.find_half(session, token)


def _address(request: Request) -> str:
    if request.client is None:
        raise HTTPException(400, "Nobody knows where this comes from.")
    return request.client.host


def _user_agent(request: Request) -> str:
    return request.headers.get("user-agent", "")


routes: list[BaseRoute] = [
    Route("/sign-in", ask, methods=["GET"]),
    Route("/sign-in", answer, methods=["POST"]),
    Route("/sign-in/code", ask_code, methods=["GET"]),
    Route("/sign-in/code", answer_code, methods=["POST"]),
    Route("/sign-in/passkey/ask", ask_passkey, methods=["POST"]),
    Route("/sign-in/passkey", answer_passkey, methods=["POST"]),
    Route("/sign-out", leave, methods=["POST"]),
]
