"""What the host tells everybody: at the head of one's home, until one puts it away."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fedi.database import Session
from fedi.database.tables import Account
from fedi.runtime import easel_of
from fedi.social import announcements, attempts
from fedi.social.announcements import Shown
from fedi.social.sessions import SignedIn
from fedi.web import forms, visitors
from fedi.web.views import announcements as views
from fedi.web.views.announcements import Told


async def of(session: Session, account: Account) -> list[Told]:
    """What somebody has not put away, the newest first."""
    return [views.told(Shown(row)) for row in await announcements.unread(session, account)]


@visitors.signed_in
async def put_away(request: Request, visitor: SignedIn) -> Response:
    """`POST /announcements/ID/away`: they have read it, in all their apps."""
    await forms.read(request)
    easel = easel_of(request)
    attempts.by_account(easel, attempts.DEEDS_OF_ACCOUNT, visitor.account)
    async with easel.database.write() as tx:
        row = await announcements.find(tx, request.path_params["id"])
        await announcements.dismiss(tx, visitor.account, row)
    return RedirectResponse(visitors.HOME, 303, {"Cache-Control": "no-store"})


routes: list[BaseRoute] = [Route("/announcements/{id:int}/away", put_away, methods=["POST"])]
