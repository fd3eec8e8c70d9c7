"""The frame around the pages of who is signed in: where one can go, and what is new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from starlette.requests import Request

from fedi.database import Session
from fedi.database.tables import Account
from fedi.runtime import easel_of
from fedi.social import correspondence, notification_lists, staff
from fedi.social.notification_lists import Wanted
from fedi.social.sessions import SignedIn
from fedi.studio.remote_files import gallery
from fedi.web import chores, forms
from fedi.web.chores import Chores
from fedi.web.views import people
from fedi.web.views.people import Maker

MOST_UNREAD = 20  # that are counted for the frame: each page asks

_SCOPE = "easel.frame"


@dataclass(frozen=True, slots=True)
class Frame:
    """What the frame shows of who is signed in.

    Attributes:
        unread: how many notifications wait.
        letters: how many conversations have something new.
        staff: whether they help to run this place.
        chores: how much waits for them then.
    """

    visitor: SignedIn
    maker: Maker
    unread: str
    letters: str
    form_key: str
    staff: bool
    chores: int


async def put_up(request: Request, session: Session, visitor: SignedIn) -> None:
    """Have whatever page answers this request stand in the frame of who looks."""
    easel = easel_of(request)
    count, letters, waiting = 0, 0, Chores()
    runs = staff.may(visitor.login, "dashboard")
    if request.method == "GET":
        count = await _unread(session, visitor.account)
        letters = await correspondence.unread(session, visitor.account, MOST_UNREAD + 1)
        waiting = await chores.of(session, visitor.login) if runs else waiting
    request.scope[_SCOPE] = Frame(
        visitor=visitor,
        maker=people.maker(visitor.account, await gallery.of(easel, session, [])),
        unread=_told(count),
        letters=_told(letters),
        form_key=forms.key(request),
        staff=runs,
        chores=waiting.total,
    )


def of(request: Request) -> Frame | None:
    """The frame of this request; None if nobody is signed in, or it has not been asked yet."""
    return cast("Frame | None", request.scope.get(_SCOPE))


async def _unread(session: Session, account: Account) -> int:
    return await notification_lists.unread(session, account, Wanted(), MOST_UNREAD + 1)


def _told(count: int) -> str:
    return f"{MOST_UNREAD}+" if count > MOST_UNREAD else str(count or "")
