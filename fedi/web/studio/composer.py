"""`/studio`: what one wants to see, and what one has made of late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from sqlmodel import col, select
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fedi import ids
from fedi.database import Session
from fedi.database.tables import Account, Login, MediaAttachment, Painting
from fedi.runtime import Easel, easel_of
from fedi.social import drafts, posts, statuses, text
from fedi.social.errors import SocialError, TooMany
from fedi.social.policies import QUOTERS
from fedi.social.sessions import SignedIn
from fedi.studio import limits, media, offers, paintings, remixing, standing, wishes
from fedi.studio.dispatcher import Dispatcher
from fedi.studio.remote_files import claims, gallery
from fedi.uploads.forms import UploadedFile
from fedi.web import forms, visitors, words
from fedi.web.render import private_page
from fedi.web.studio import proposals, typed
from fedi.web.studio.proposals import Proposals
from fedi.web.views import studio as views
from generation import protocol
from generation.recipe import MAX_LORAS, MAX_NEGATIVE_PROMPT, MAX_PROMPT, UPSCALES

PATH = "/studio"
LISTED = 48  # of one's own, the newest first
TOLD = 8  # pictures of one's own of which is said where they stand in the queue
MAX_FILES = 2  # a picture to start from, and a mask
AUDIENCES = {
    "public": "Everybody",
    "unlisted": "Everybody, quietly",
    "private": "Followers",
    "direct": "Only whom I name",
}
QUOTING = {"public": "Everybody", "followers": "Followers", "nobody": "Nobody"}
assert set(AUDIENCES) == set(drafts.VISIBILITIES) and set(QUOTING) == set(QUOTERS)
NAMES = proposals.Names()
# Tags that a browser proposes; any other may be typed.
LANGUAGES = ("en", "de", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "pt-BR", "ru", "uk", "zh")


@visitors.signed_in
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /studio`: an empty form. With `prompt=TEXT` words stand in it; with `remix=ID` the
    recipe of a post, with `again=ID` that of a painting of one's own, with its post; `reply=ID`
    answers a post.

    Raises:
        SocialError: what the query names is not there, or its recipe is not shared.
    """
    query = forms.parsed(request.url.query)
    easel = easel_of(request)
    async with easel.database.read() as session:
        fields = words_alone(visitor.login, text.clean(query.get("prompt", ""))[:MAX_PROMPT])
        if (number := ids.parse(query.get("again"))) is not None:
            painting = await paintings.find(session, visitor.account, number)
            fields |= _again(painting)
        elif (number := ids.parse(query.get("remix"))) is not None:
            settings = easel.settings.painting
            parent = await remixing.parent(session, settings, visitor.account, number)
            fields |= typed.of_recipe(parent.recipe) | {
                "remix_of": str(parent.status.id),
                "share_recipe": "1",
            }
        if (number := ids.parse(query.get("reply"))) is not None:
            fields["in_reply_to_id"] = str(number)
    return await page(request, visitor, fields)


def words_alone(login: Login, prompt: str) -> dict[str, str]:
    """The form of somebody who chooses nothing but words."""
    return typed.blank(prompt=prompt, post=typed.BY_HAND, **usual(login))


def usual(login: Login) -> dict[str, str]:
    """How somebody usually posts."""
    chosen = login.preferences or {}
    fields = {
        "visibility": chosen.get("posting:default:visibility") or "public",
        "quoters": chosen.get("posting:default:quote_policy") or "public",
        "language": chosen.get("posting:default:language") or "",
        "sensitive": "1" if chosen.get("posting:default:sensitive") is True else "",
    }
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def _again(painting: Painting) -> dict[str, str]:
    """A painting as the form that asked for it. Its seed stays: changed words show what they do."""
    recipe = {name: value for name, value in painting.recipe.items() if name != "enlarge"}
    return (
        typed.of_recipe(recipe)
        | typed.of_post(painting.draft or painting.begun_post)
        | {
            "description": painting.description,
            "share_recipe": "1" if painting.share_recipe else "",
            "post": _way(painting),
        }
    )


def _way(painting: Painting) -> str:
    """How it was to be posted. For which time is asked again: that of before may be over."""
    if not painting.draft:
        return typed.BY_HAND
    return typed.LATER if painting.draft.get("scheduled_at") else typed.WHEN_DONE


@visitors.signed_in
async def ask(request: Request, visitor: SignedIn) -> Response:
    """`POST /studio`: a picture is asked for; the answer leads to its page."""
    easel = easel_of(request)
    try:
        with limits.forms(easel, visitor.account):
            async with forms.read_with_files(request, protocol.MAX_INPUTS, MAX_FILES) as (
                fields,
                files,
            ):
                try:
                    made = await _granted(easel, visitor.account, fields, files)
                except SocialError as error:
                    return await page(request, visitor, typed.kept(fields), error=error)
    except TooMany as error:  # nothing of the form was read
        told = TooMany(f"{error} Go back: your words are still there.", error.retry_after)
        return await page(request, visitor, typed.blank(), error=told)
    path = words.sent(f"{PATH}/{made[0].id}", fields)
    return RedirectResponse(path, 303, {"Cache-Control": "no-store"})


async def _granted(
    easel: Easel,
    account: Account,
    fields: dict[str, str],
    files: dict[str, UploadedFile],
) -> list[Painting]:
    async with easel.database.read() as session:
        await limits.may_ask(session, easel.settings.painting, account)
    asked, begun = await understood(easel, account, fields, files)
    return await wishes.grant(easel, account, asked, begun)


async def understood(
    easel: Easel, account: Account, fields: Mapping[str, str], files: Mapping[str, UploadedFile]
) -> tuple[wishes.Asked, drafts.Draft | None]:
    """What a form asks for, and the post that is begun with it, if it is posted by hand.

    Raises:
        SocialError: with what to change.
    """
    document = typed.wish(fields, files, easel.settings.painting)
    begun = None if "post" in document else typed.post(fields)
    return await wishes.understand(easel, account, document, files), begun


@visitors.signed_in
async def propose(request: Request, visitor: SignedIn) -> Response:
    """`POST /studio/propose`: the form as it was, and beside it what a helper proposes; or, with
    `take`, the form with one of the proposals in it."""
    fields = await forms.read(request)
    form = typed.kept(fields)
    if fields.get("take"):
        form, left = proposals.taken(fields, form, NAMES)
        return await page(request, visitor, form, proposed=left)
    dispatcher = cast(Dispatcher, request.app.state.dispatcher)
    try:
        advice = await dispatcher.assistance.propose(
            visitor.account,
            form["prompt"],
            draft=form["text"],
            language=form["language"][: typed.MAX_LANGUAGE],
            model=form["model"],
        )
    except SocialError as error:
        return await page(request, visitor, form, error=error)
    return await page(request, visitor, form, proposed=proposals.shown(advice, form, NAMES))


async def page(
    request: Request,
    visitor: SignedIn,
    fields: dict[str, str],
    *,
    error: SocialError | None = None,
    proposed: Proposals | None = None,
) -> Response:
    """The form, with what stands in it, and what one has."""
    easel = easel_of(request)
    settings = easel.settings.painting
    dispatcher = cast(Dispatcher, request.app.state.dispatcher)
    helped = await dispatcher.assistance.has_model()
    async with easel.database.read() as session:
        offered = await offers.find(session, settings)
        rows = await paintings.list_own(session, visitor.account, limit=LISTED)
        there = await pictures_of(session, rows)
        around = {
            name: await _post(session, visitor.account, fields[name])
            for name in ("remix_of", "in_reply_to_id")
        }
        named = [post for post in around.values() if post is not None]
        hung = await gallery.of(easel, session, claims.of_posts(named))
        waits = [one.id for one in rows if one.state in views.WAITS]
        told = set(waits[-TOLD:])  # the oldest of them: theirs is the next turn
        sketches = [
            views.sketch(
                one,
                there.get(one.id),
                hung,
                await standing.position(session, one) if one.id in told else None,
                anybody=offered.anybody,
            )
            for one in rows
            if one.media_id is None or one.id in there  # what was thrown away is not shown
        ]
    response = private_page(
        request,
        "studio.html",
        status=error.status if error is not None else 200,
        script=True,
        sheets=("forms", "studio"),
        here="studio",
        visitor=visitor,
        form_key=forms.key(request),
        error=str(error) if error is not None else "",
        fields=fields,
        offers=offered,
        chosen=offered.of(fields["model"]),
        settings=settings,
        shapes=typed.SHAPES,
        was=fields["shape"] if fields["shape"] not in typed.SHAPES else "",
        counts=range(1, typed.MAX_COUNT + 1),
        upscales=UPSCALES,
        slots=_slots(fields, len(offered.loras)),
        around={
            name: None if post is None else views.about(post, hung) for name, post in around.items()
        },
        audiences=AUDIENCES,
        quoting=QUOTING,
        training=typed.TRAINING,
        languages=LANGUAGES,
        helped=helped,
        proposals=proposed,
        waiting=[one for one in sketches if one.state in {*views.WAITS, paintings.REVIEW}],
        kept=[one for one in sketches if one.state == paintings.DONE],
        failed=[one for one in sketches if one.state == paintings.FAILED][:8],
        posted=[one for one in sketches if one.state == "posted"],
        limits={
            "prompt": MAX_PROMPT,
            "negative": MAX_NEGATIVE_PROMPT,
            "text": text.MAX_TEXT,
            "warning": drafts.MAX_SPOILER,
            "description": media.MAX_DESCRIPTION,
        },
    )
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return forms.remember(request, response)


async def pictures_of(session: Session, rows: list[Painting]) -> dict[int, MediaAttachment]:
    """The pictures of paintings that have one, by the ids of the paintings."""
    wanted = [one.media_id for one in rows if one.media_id is not None]
    found = await session.exec(select(MediaAttachment).where(col(MediaAttachment.id).in_(wanted)))
    by_id = {medium.id: medium for medium in found.all()}
    return {one.id: by_id[one.media_id] for one in rows if one.media_id in by_id}


async def _post(session: Session, account: Account, number: str) -> posts.Post | None:
    """A post that a picture is made of, or that is answered, if it may be seen."""
    status_id = ids.parse(number)
    status = None if status_id is None else await statuses.load(session, account, status_id)
    if status is None:
        return None
    return (await posts.assemble(session, [status], account))[0]


def _slots(fields: dict[str, str], offered: int) -> range:
    """The places for LoRAs: those that are used, and one more."""
    used = [n for n in range(1, MAX_LORAS + 1) if fields.get(f"lora_{n}")]
    most = MAX_LORAS if offered or used else 0
    return range(1, min(most, max(used, default=0) + 1) + 1)


routes: list[BaseRoute] = [
    Route(PATH, show, methods=["GET"]),
    Route(PATH, ask, methods=["POST"]),
    Route(f"{PATH}/propose", propose, methods=["POST"]),
]
