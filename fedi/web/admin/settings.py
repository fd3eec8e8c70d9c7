"""`/admin/settings`: the settings that need no restart."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi import adjustments
from fedi.database.tables import Account
from fedi.runtime import easel_of
from fedi.social import adjusting, audit
from fedi.social.adjusting import Wrong
from fedi.social.errors import SocialError
from fedi.social.sessions import SignedIn
from fedi.web import forms
from fedi.web.admin import access
from fedi.web.admin.access import Fields
from fedi.web.views import adjustments as views

PATH = "/admin/settings"
MOST_TOLD = 200  # characters of a value that are written down
RESET = "reset"  # the field that names a setting which is to be as the file has it


@access.only("house")
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/settings`."""
    return _page(request, visitor)


def _page(
    request: Request,
    visitor: SignedIn,
    fields: Fields | None = None,
    of: str = "",
    error: SocialError | None = None,
) -> Response:
    easel = easel_of(request)
    mistakes = error.mistakes if isinstance(error, Wrong) else {}
    return access.page(
        request,
        visitor,
        "settings",
        "settings",
        error=error,
        kept=request.query_params.get("kept", ""),
        mistaken=of if mistakes else "",
        parts=views.sections(easel.base, easel.settings, fields, mistakes, of),
        path=PATH,
    )


def _keep(section: str) -> Route:
    """`POST /admin/settings/SECTION`: keep its settings, or let one be as the file has it."""

    @access.only("house")
    async def keep(request: Request, visitor: SignedIn) -> Response:
        fields, easel = await forms.read(request), easel_of(request)
        open_names = [
            name
            for name in (f"{section}.{entry}" for entry in adjustments.ADJUSTABLE[section])
            if name not in views.ELSEWHERE and not adjustments.fixed(name)
        ]
        if (reset := fields.get(RESET, "")) in open_names:
            wanted = {reset: None}
        else:
            wanted = {
                name: views.read(name, fields.get(name))
                for name in open_names
                if name in fields or views.kind_of(name) == "tick"
            }
        try:
            access.count(request, visitor)
            async with easel.database.write() as tx:
                who = await tx.get_one(Account, visitor.account.id)
                for name in await adjusting.change(tx, easel.base, wanted):
                    said = "as in the file" if wanted[name] is None else wanted[name]
                    told = said if isinstance(said, str) else views.in_words(said)
                    await audit.note(tx, who, "setting.change", name, to=told[:MOST_TOLD])
        except SocialError as error:
            return forms.patient(_page(request, visitor, fields, section, error), error)
        await easel.adjust()
        return access.done(f"{PATH}?kept={section}#{section}")

    return Route(f"{PATH}/{section}", keep, methods=["POST"])


routes: list[BaseRoute] = [
    Route(PATH, show, methods=["GET"]),
    *(_keep(section) for section in views.SECTIONS),
]
