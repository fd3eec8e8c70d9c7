"""The first run: whoever started the server makes the first account, says what this place is,
chooses what paints, and comes to a first picture.

What comes next is kept, so that each page can be loaded again, and who leaves in the middle is
shown the way back on every page of theirs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fedi import adjustments
from fedi.database.tables import Account, Painting
from fedi.runtime import Easel, easel_of
from fedi.settings import InstanceSettings
from fedi.social import adjusting, attempts, audit, founding, sign_in, staff
from fedi.social.adjusting import Wrong
from fedi.social.errors import SocialError
from fedi.social.sessions import SignedIn
from fedi.studio import paintings, wishes
from fedi.web import forms, models, visitors
from fedi.web.joining import address_of
from fedi.web.render import error_page, private_page
from fedi.web.signing_in import enter
from fedi.web.studio import composer
from fedi.web.views import models as views

PATH = "/welcome"
PLACE, MODEL, DONE = f"{PATH}/place", f"{PATH}/model", f"{PATH}/done"
PAGES = dict(zip(founding.STEPS, (PLACE, MODEL), strict=True))
# What the first page of settings asks: the rest stands at `/admin/settings`.
ASKED = ("instance.name", "instance.description", "instance.contact", "registrations.mode")
MODES = {
    "closed": ("Nobody", "You can make accounts for others by hand."),
    "invite": ("Who has an invitation", "You and those who help you make them."),
    "approval": ("Who asks and is let in", "Somebody looks at each request."),
    "open": ("Everybody", "Whoever has an email address."),
}
MAX_NAME, MAX_DESCRIPTION = 60, 500  # characters
OTHERS = 5  # models that are offered beside the best one
NOT_YOURS = "This is for those who run this place."
# What the small model that comes with Easel can paint, so that the first picture is one.
FIRST_PROMPT = "a red sailboat on the beach"


def address(instance: InstanceSettings, key: str) -> str:
    """Where the first account is made."""
    return f"{instance.url}{PATH}?key={key}"


async def ask(request: Request) -> Response:
    """`GET /welcome?key=KEY`.

    Raises:
        NotFound: that is not the key, or there is somebody here already.
    """
    key = forms.parsed(request.url.query).get("key", "")
    easel = easel_of(request)
    attempts.by_address(easel, attempts.LINKS_OF_ADDRESS, address_of(request))
    async with easel.database.read() as session:
        await founding.check(session, key)
    return _page(request, {"key": key})


async def answer(request: Request) -> Response:
    """`POST /welcome`: make it, sign in, and go on to a first picture."""
    fields = await forms.read(request)
    easel = easel_of(request)
    attempts.by_address(easel, attempts.LINKS_OF_ADDRESS, address_of(request))
    name = fields.get("username", "").strip().removeprefix("@")
    password = fields.get("password", "")
    key, email = fields.get("key", ""), fields.get("email", "").strip()
    try:
        async with easel.database.write() as tx:
            account = await founding.found(tx, key, name, password, email=email)
        token, _ = await sign_in.by_password(
            easel,
            account.username,
            password,
            address=address_of(request),
            user_agent=request.headers.get("user-agent", ""),
        )
    except SocialError as error:
        return _page(request, fields, error)
    return enter(request, token, PLACE)


def _page(request: Request, fields: dict[str, str], error: SocialError | None = None) -> Response:
    response = private_page(
        request,
        "welcome.html",
        status=error.status if error is not None else 200,
        here="welcome",
        form_key=forms.key(request),
        fields={name: fields.get(name, "") for name in ("key", "username", "email")},
        error=str(error) if error is not None else "",
    )
    return forms.remember(request, forms.patient(response, error))


StepPage = Callable[[Request, SignedIn], Awaitable[Response]]
Act = Callable[[Easel, SignedIn, str], Awaitable[None]]


def _step(page: StepPage) -> Callable[[Request], Awaitable[Response]]:
    """A page for who sets this instance up, until that is done."""

    @visitors.signed_in
    async def show(request: Request, visitor: SignedIn) -> Response:
        if not staff.may(visitor.login, "house"):
            return error_page(request, 403, NOT_YOURS)
        async with easel_of(request).database.read() as session:
            step = await founding.step(session)
        if not step and request.url.path != DONE:
            return _to(visitors.HOME)
        if step == "place" and request.url.path.startswith(MODEL):
            return _to(PLACE)
        return await page(request, visitor)

    return show


def _to(path: str) -> Response:
    return RedirectResponse(path, 303, {"Cache-Control": "no-store"})


@_step
async def ask_place(request: Request, visitor: SignedIn) -> Response:
    """`GET /welcome/place`: what is this place called, and who may come?"""
    return _place(request, {})


@_step
async def name_place(request: Request, visitor: SignedIn) -> Response:
    """`POST /welcome/place`."""
    fields, easel = await forms.read(request), easel_of(request)
    wanted = {
        name: fields[name].replace("\r\n", "\n").strip()
        for name in ASKED
        if name in fields and not adjustments.fixed(name)
    }
    try:
        _refuse_nameless(wanted)
        async with easel.database.write() as tx:
            who = await tx.get_one(Account, visitor.account.id)
            for changed in await adjusting.change(tx, easel.base, wanted):
                await audit.note(tx, who, "setting.change", changed)
            await founding.go_on(tx, "model")
    except SocialError as error:
        return _place(request, fields, error)
    await easel.adjust()
    return _to(MODEL)


def _refuse_nameless(wanted: Mapping[str, str]) -> None:
    if wanted.get("instance.name") == "":
        raise Wrong({"instance.name": "It needs a name."})
    if len(wanted.get("instance.name", "")) > MAX_NAME:
        raise Wrong({"instance.name": f"A name has at most {MAX_NAME} characters."})


def _place(
    request: Request, fields: Mapping[str, str], error: SocialError | None = None
) -> Response:
    settings = easel_of(request).settings
    return private_page(
        request,
        "welcome_place.html",
        status=error.status if error is not None else 200,
        here="welcome",
        form_key=forms.key(request),
        typed={name: fields.get(name, adjustments.value(settings, name)) for name in ASKED},
        fixed={name: adjustments.fixed(name) for name in ASKED},
        modes=MODES,
        longest=(MAX_NAME, MAX_DESCRIPTION),
        error=str(error) if error is not None else "",
    )


@_step
async def ask_model(request: Request, visitor: SignedIn) -> Response:
    """`GET /welcome/model`: what can this machine do, and what shall paint?"""
    return await _model(request)


async def _model(request: Request, error: SocialError | None = None) -> Response:
    shown = await models.look(easel_of(request))
    best = views.best(shown.found, shown.place) if shown.here else None
    named = {one.key for one in shown.pulls} | ({best.key} if best is not None else set())
    known = views.choices(shown.found, shown.place, named)
    fitting = [one for one in known if one.paints and not one.here and one.fits_kind != "warn"]
    slow = [one for one in known if one.paints and not one.here] if shown.place.slow else []
    painting = [one for one in views.choices(shown.found, shown.place) if one.default]
    response = private_page(
        request,
        "welcome_model.html",
        status=error.status if error is not None else 200,
        sheets=("forms", "admin"),
        modules=("models",),
        here="welcome",
        form_key=forms.key(request),
        shown=shown,
        best=best,
        others=(fitting or slow)[:OTHERS],
        painting=painting[0] if painting else None,
        path=MODEL,
        error=str(error) if error is not None else "",
    )
    return forms.patient(response, error)


@_step
async def model_events(request: Request, visitor: SignedIn) -> Response:
    """`GET /welcome/model/events`: what is being fetched, as `web.models.stream` tells it."""
    return models.stream(request, visitor)


async def _fetch(easel: Easel, by: SignedIn, name: str) -> None:
    await models.fetch(easel, by, name, chosen=True)


def _deed(path: str, act: Act) -> Route:
    """`POST PATH`: do something with the model that the field `id` names."""

    @_step
    async def do(request: Request, visitor: SignedIn) -> Response:
        fields, easel = await forms.read(request), easel_of(request)
        try:
            attempts.of(easel).take(
                attempts.DEEDS_OF_ACCOUNT, str(visitor.account.id), easel.clock.now()
            )
            await act(easel, visitor, fields.get("id", ""))
        except SocialError as error:
            return await _model(request, error)
        return _to(MODEL)

    return Route(path, do, methods=["POST"])


@_step
async def finish(request: Request, visitor: SignedIn) -> Response:
    """`POST /welcome/done`: a first picture is asked for; the answer leads to its page."""
    await forms.read(request)
    easel = easel_of(request)
    try:
        first = await _first_picture(easel, visitor)
    except SocialError:  # the studio says why when it is asked again
        first = None
        async with easel.database.write() as tx:
            await founding.finish(tx)
    words = f"?prompt={quote(FIRST_PROMPT)}"
    return _to(composer.PATH + (words if first is None else f"/{first.id}"))


async def _first_picture(easel: Easel, by: SignedIn) -> Painting | None:
    """Ask for it as the studio's form does, once: who comes again is led to the newest of theirs.

    Raises:
        SocialError: it cannot be asked for; then the instance is not set up yet.
    """
    form = composer.words_alone(by.login, FIRST_PROMPT)
    asked, begun = await composer.understood(easel, by.account, form, {})
    async with easel.database.write() as tx:
        if await founding.finish(tx):
            return (await wishes.request(tx, easel, by.account, asked, begun))[0]
        return next(iter(await paintings.list_own(tx, by.account, limit=1)), None)


routes: list[BaseRoute] = [
    Route(PATH, ask, methods=["GET"]),
    Route(PATH, answer, methods=["POST"]),
    Route(PLACE, ask_place, methods=["GET"]),
    Route(PLACE, name_place, methods=["POST"]),
    Route(MODEL, ask_model, methods=["GET"]),
    Route(f"{MODEL}/events", model_events, methods=["GET"]),
    _deed(f"{MODEL}/pull", _fetch),
    _deed(f"{MODEL}/stop", models.stop),
    _deed(f"{MODEL}/remove", models.remove),
    Route(DONE, finish, methods=["POST"]),
]
