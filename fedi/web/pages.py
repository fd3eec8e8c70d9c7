"""The pages: the front, a post, about."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlmodel import col, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from activitypub.context import accepts_activity
from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.federation import answers
from fedi.runtime import easel_of
from fedi.social import edits, posts, reactions, rules, timelines
from fedi.social.timelines import Page
from fedi.social.visibility import SHOWN_TO_ALL
from fedi.studio import testimony
from fedi.studio.remote_files import claims, gallery
from fedi.web import (
    cards,
    consenting,
    cursors,
    feed_pages,
    files,
    profiles,
    remixes,
    remote_files,
    sifting,
    threads,
    versions,
    visitors,
    waiting,
)
from fedi.web.assets import assets
from fedi.web.feed_pages import WALL_LENGTH
from fedi.web.render import page, robots
from fedi.web.views import files_said, people, pictures
from fedi.web.views import posts as post_views
from fedi.web.views.links import safe_link

MAKERS_LENGTH = 12  # accounts named on the front page: two rows on a phone

_NO_POST = "There is no such post here, or it is not for everybody."


async def front(request: Request) -> Response:
    """`GET /`: the latest pictures that were made here; who is signed in goes home."""
    if await visitors.of(request) is not None:
        return RedirectResponse(visitors.HOME, 303, {"Cache-Control": "no-store"})
    easel = easel_of(request)
    max_id = cursors.max_id(request)
    async with easel.database.read() as session:
        read = partial(timelines.public, session, None, local=True)
        found, older = await feed_pages.read_page(
            session, None, read, Page(WALL_LENGTH, max_id, only_media=True)
        )
        makers = [] if max_id else await _makers(session)
        hung = await gallery.of(easel, session, claims.of_posts(found))
    tiles = post_views.tiles(found, hung)
    return page(
        request,
        "front.html",
        here="front",
        card=cards.front(hung.instance, tiles),
        tiles=tiles,
        makers=[people.maker(account, hung) for account in makers],
        older=f"/?max_id={older}" if older else None,
        newer="/" if max_id else None,
    )


async def post(request: Request) -> Response:
    """`GET /@NAME/ID`: a post, large, and the conversation around it."""
    easel = easel_of(request)
    status_id: int = request.path_params["id"]
    viewer = await visitors.viewer(request)
    async with easel.database.read() as session:
        author = await profiles.find(session, request.path_params["name"], viewer, nobody=_NO_POST)
        status = await profiles.post_of(session, author, status_id, viewer)
        if status is None:
            made = await waiting.show(request, easel, session, author, status_id, viewer)
            if made is not None:
                return made
            raise await _missing(session, author, status_id)
        if accepts_activity(request.headers.get("accept")):
            return profiles.to_activity(status.uri)
        (found,) = await posts.assemble(session, [status], viewer)
        before = await threads.before(session, viewer, status)
        after = await threads.after(session, viewer, status)
        kin = await remixes.of(session, viewer, status)
        around = [found, *(answer.post for answer in (*before, *after)), *kin.posts]
        hung = await gallery.of(easel, session, claims.of_posts(around))
        sieve = await sifting.sieve(session, viewer, "thread")
        changed = status.edited_at is not None and await edits.of_status(session, status)
        reacted = (await reactions.of_statuses(session, [status.id])).get(status.id)
        training = await consenting.all_of(easel, session, around)
    heard = await testimony.of(easel).hear(testimony.exhibits(around, hung))
    await answers.opened(easel, viewer, status)
    listed = author.discoverable and status.visibility == "public"
    return page(
        request,
        "post.html",
        robots=robots(listed=listed, training=training),
        card=cards.post(found, hung),
        post=post_views.shown(found, hung, viewer),
        uri=status.uri,
        original="" if status.local else safe_link(status.url or status.uri),
        origins=pictures.origins(found, hung),
        edits=f"{people.path_of(author)}/{status.id}/edits" if changed else "",
        recipes=[recipe for media in found.media if (recipe := pictures.shared(media))],
        said=files_said.of(found, hung, heard),
        parent=post_views.shown(kin.parent, hung, viewer) if kin.parent else None,
        remixes=sieve.tiles(kin.remixes, hung),
        tree=f"{people.path_of(author)}/{status.id}/remixes",
        remixable=remixes.remixable(found),
        reactions=post_views.reactions(reacted) if reacted else [],
        before=threads.shown(before, hung, heard, sieve),
        answers=threads.shown(after, hung, heard, sieve),
    )


async def about(request: Request) -> Response:
    """`GET /about`: what this place is, and its rules."""
    easel = easel_of(request)
    instance = easel.settings.instance
    await visitors.of(request)
    async with easel.database.read() as session:
        makers = await _makers(session)
        hung = await gallery.of(easel, session, [])
        agreed = await rules.every(session)
    return page(
        request,
        "about.html",
        here="about",
        rules=agreed,
        card=cards.about(instance),
        example=people.maker(makers[0], hung).handle if makers else f"@name@{instance.domain}",
    )


async def favicon(request: Request) -> Response:
    """`GET /favicon.ico`: for what does not read the page's own link."""
    return RedirectResponse(assets.address("icons/easel-64.png"), 302)


async def _missing(session: Session, author: Account, status_id: int) -> HTTPException:
    """Why a post cannot be seen: 410 only if everybody could see it before it was deleted."""
    gone = await session.exec(
        select(Status.id).where(
            col(Status.id) == status_id,
            col(Status.account_id) == author.id,
            col(Status.reblog_of_id).is_(None),
            col(Status.deleted_at).is_not(None),
            col(Status.visibility).in_(SHOWN_TO_ALL),
        )
    )
    if gone.first() is not None:
        return HTTPException(410, "This post was deleted by its author.")
    return HTTPException(404, _NO_POST)


async def _makers(session: Session) -> Sequence[Account]:
    """Who posts here and wants to be found, the latest first."""
    query = (
        select(Account)
        .where(
            col(Account.domain).is_(None),
            col(Account.discoverable),
            col(Account.suspended_at).is_(None),
            col(Account.deleted_at).is_(None),
            col(Account.last_status_at).is_not(None),
        )
        .order_by(col(Account.last_status_at).desc(), col(Account.id).desc())
        .limit(MAKERS_LENGTH)
    )
    return (await session.exec(query)).all()


routes: list[BaseRoute] = [
    Route("/", front),
    Route("/about", about),
    Route("/favicon.ico", favicon),
    Route("/static/{path:path}", assets.serve),
    Route("/media/remote/{key}/{claim}/{rendition}", remote_files.serve),
    Route("/media/{key:path}", files.serve),
    Route("/@{name}/{id:int}", post),
    *remixes.routes,
    *versions.routes,
]
