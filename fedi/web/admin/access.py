"""Who may open the pages of those who run this instance, and how something is done on them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlencode

from sqlmodel import SQLModel
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fedi import ids
from fedi.database import Transaction
from fedi.database.tables import Account
from fedi.runtime import Easel, easel_of
from fedi.social import attempts, audit, staff
from fedi.social.errors import NotFound, SocialError
from fedi.social.sessions import SignedIn
from fedi.social.staff import Power
from fedi.web import forms, visitors
from fedi.web.render import error_page, private_page
from fedi.web.visitors import Page, VisitorPage

NOT_YOURS = "This is for those who run this place."
NOTHING = "There is nothing like that here any more."
HOME = "/admin"

Fields = Mapping[str, str]
Again = Callable[[Request, SignedIn, Fields, SocialError], Awaitable[Response]]
Row = TypeVar("Row", bound=SQLModel)


@dataclass(frozen=True, slots=True)
class Section:
    """A group of pages.

    Attributes:
        power: what somebody must be able to do here to open it.
    """

    path: str
    words: str
    power: Power


SECTIONS: dict[str, Section] = {
    "overview": Section(HOME, "Overview", "dashboard"),
    "reports": Section(f"{HOME}/reports", "Reports", "reports"),
    "accounts": Section(f"{HOME}/accounts", "Accounts", "users"),
    "joining": Section(f"{HOME}/joining", "Joining", "users"),
    "pictures": Section(f"{HOME}/pictures", "Held pictures", "reports"),
    "trends": Section(f"{HOME}/trends", "Trends", "taxonomies"),
    "rules": Section(f"{HOME}/rules", "Rules", "house"),
    "announcements": Section(f"{HOME}/announcements", "Announcements", "house"),
    "emoji": Section(f"{HOME}/emoji", "Emoji", "house"),
    "domains": Section(f"{HOME}/domains", "Domains", "federation"),
    "servers": Section(f"{HOME}/servers", "Servers", "federation"),
    "barred": Section(f"{HOME}/barred", "Barred", "blocks"),
    "data": Section(f"{HOME}/data", "Training data", "house"),
    "models": Section(f"{HOME}/models", "Models", "house"),
    "queue": Section(f"{HOME}/queue", "Queue", "house"),
    "storage": Section(f"{HOME}/storage", "Storage", "house"),
    "jobs": Section(f"{HOME}/jobs", "Jobs", "house"),
    "settings": Section(f"{HOME}/settings", "Settings", "house"),
    "log": Section(f"{HOME}/log", "Log", "dashboard"),
}


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody does, in the one transaction in which it is written down.

    Attributes:
        who: does it, as a row of the transaction.
        fields: of the form.
        id: in the address; 0 if there is none.
    """

    easel: Easel
    tx: Transaction
    who: Account
    fields: Fields
    id: int

    async def row(self, kind: type[Row], id_: int | None = None) -> Row:
        """A row by the id in the address, or another one.

        Raises:
            NotFound: there is none.
        """
        number = self.id if id_ is None else id_
        found = await self.tx.get(kind, number) if 0 < number <= ids.MAX else None
        if found is None:
            raise NotFound(NOTHING)
        return found

    async def note(
        self, action: str, target: str, target_id: int | None = None, **details: Any
    ) -> None:
        await audit.note(self.tx, self.who, action, target, target_id, **details)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something was not done, as a page says it: in the form that was sent, if it stands there.

    Attributes:
        path: to which that form was sent.
        field: of that form, to which it is due; empty if that is not known.
    """

    words: str
    path: str
    field: str


Do = Callable[[Deed], Awaitable[str]]


@contextmanager
def typed(field: str) -> Iterator[None]:
    """What is refused in here is refused for what stands in a field of the form."""
    try:
        yield
    except SocialError as error:
        error.field = field
        raise


def only(power: Power) -> Callable[[VisitorPage], Page]:
    """A page for those who have a power; others are told that it is not for them."""

    def guard(page: VisitorPage) -> Page:
        @visitors.signed_in
        @wraps(page)
        async def checked(request: Request, visitor: SignedIn) -> Response:
            if not staff.may(visitor.login, power):
                return error_page(request, 403, NOT_YOURS)
            return await page(request, visitor)

        return checked

    return guard


def deed(path: str, power: Power, do: Do, again: Again | None = None) -> Route:
    """`POST PATH`: somebody does something, and goes where `do` says.

    Args:
        path: below `/admin`; `{id:int}` in it is the id of what it is done to.
        do: what is done; it says where to go.
        again: the page on which the form stands, to be shown once more with what was typed and why
            it cannot be; without it, a page says why.
    """

    @only(power)
    async def act(request: Request, visitor: SignedIn) -> Response:
        fields = await forms.read(request)
        try:
            count(request, visitor)
            goal = await _do(request, visitor, fields, do)
        except SocialError as error:
            return await refused(request, visitor, fields, error, again)
        return done(goal)

    return Route(HOME + path, act, methods=["POST"])


async def refused(
    request: Request,
    visitor: SignedIn,
    fields: Fields,
    error: SocialError,
    again: Again | None = None,
) -> Response:
    """What could not be done, and why."""
    if again is not None and error.status not in {403, 404}:
        return forms.patient(await again(request, visitor, fields, error), error)
    return forms.patient(error_page(request, error.status, str(error)), error)


async def _do(request: Request, visitor: SignedIn, fields: Fields, do: Do) -> str:
    easel, number = easel_of(request), int(request.path_params.get("id", 0))
    async with easel.database.write() as tx:
        who = await tx.get_one(Account, visitor.account.id)
        return await do(Deed(easel, tx, who, fields, number))


def page(
    request: Request,
    visitor: SignedIn,
    section: str,
    name: str,
    /,
    *,
    error: SocialError | None = None,
    **context: Any,
) -> Response:
    """A page of a section.

    Args:
        name: the template below `admin/`.
        error: why what was asked for was not done.
    """
    trouble = None if error is None else Trouble(str(error), request.url.path, error.field)
    return private_page(
        request,
        f"admin/{name}.html",
        status=200 if error is None else error.status,
        sheets=("forms", "admin"),
        here="admin",
        sections=[
            (one.path, one.words, key == section)
            for key, one in SECTIONS.items()
            if staff.may(visitor.login, one.power)
        ],
        form_key=forms.key(request),
        trouble=trouble,
        error="" if error is None else str(error),
        **context,
    )


def done(path: str) -> Response:
    """To where what was done is seen."""
    return RedirectResponse(path, 303, {"Cache-Control": "no-store"})


def address(path: str, *parameters: tuple[str, str]) -> str:
    """An address of a page with its parameters."""
    return f"{path}?{urlencode(parameters)}" if parameters else path


def count(request: Request, visitor: SignedIn) -> None:
    """Count a deed.

    Raises:
        TooMany: too much was done of late.
    """
    easel, who = easel_of(request), str(visitor.account.id)
    attempts.of(easel).take(attempts.DEEDS_OF_ACCOUNT, who, easel.clock.now())


def id_of(request: Request) -> int:
    """The id in the address."""
    number: int = request.path_params["id"]
    return number
