"""The page of notifications. Who has seen it has read what was on it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import col, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database import Session
from fedi.database.tables import Account, AccountWarning, Notification, Painting
from fedi.runtime import Easel, easel_of
from fedi.social import markers, notification_lists, posts, statuses
from fedi.social.notification_lists import Group, Wanted
from fedi.social.notifications import GROUPED
from fedi.social.paging import Page
from fedi.social.posts import Post
from fedi.social.sessions import SignedIn
from fedi.studio.remote_files import claims, gallery
from fedi.web import cursors, sifting, visitors
from fedi.web.render import private_page
from fedi.web.views import notices as views

LENGTH = 40  # groups on one page, as Mastodon

KINDS = {
    "": ("All", None),
    "mentions": ("Mentions", frozenset({"mention", "quote", "remix"})),
}


@visitors.signed_in
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /notifications?only=mentions`: what happened, the latest first."""
    easel = easel_of(request)
    account = visitor.account
    only = request.query_params.get("only", "")
    only = only if only in KINDS else ""
    max_id = cursors.max_id(request)
    async with easel.database.read() as session:
        wanted = Wanted(kinds=KINDS[only][1])
        groups = await notification_lists.groups(
            session, account, wanted, Page(LENGTH + 1, max_id), GROUPED
        )
        shown = groups[:LENGTH]
        people = await _people(session, shown)
        about = await _posts(session, account, shown)
        paintings = await _paintings(session, account, shown)
        warnings = await _warnings(session, account, shown)
        hung = await gallery.of(
            easel,
            session,
            [
                *claims.of_posts(about.values()),
                *(claim for one in people.values() for claim in claims.of_account(one)),
            ],
        )
    path = "/notifications" + (f"?only={only}" if only else "")
    oldest = shown[-1].page[-1].id if len(groups) > LENGTH else None
    answer = private_page(
        request,
        "notifications.html",
        sheets=(),
        modules=("feed",),
        here="notifications",
        tabs={
            "/notifications" + (f"?only={key}" if key else ""): (key, words)
            for key, (words, _) in KINDS.items()
        },
        only=only,
        notices=[
            notice
            for group in shown
            if (notice := views.notice(group, people, about, paintings, warnings, hung, account))
        ],
        older=f"{path}{'&' if only else '?'}max_id={oldest}" if oldest else None,
        newer=path if max_id else None,
    )
    if shown and not only and not max_id:
        await _read(easel, account, max(group.newest.id for group in shown))
    return answer


async def _read(easel: Easel, account: Account, newest: int) -> None:
    """All up to this one has been seen, in all apps of this account."""
    async with easel.database.read() as session:
        known = await markers.of_account(session, account)
    if not any(one.timeline == "notifications" and one.last_read_id >= newest for one in known):
        async with easel.database.write() as tx:
            await markers.put(tx, account, "notifications", newest)


async def _people(session: Session, groups: Sequence[Group]) -> dict[int, Account]:
    return await posts.accounts_of(session, {one for group in groups for one in group.account_ids})


async def _posts(session: Session, viewer: Account, groups: Sequence[Group]) -> dict[int, Post]:
    """What they are about, as far as it may still be seen, by the ids of the posts."""
    wanted = [group.newest.status_id for group in groups]
    rows = await statuses.load_many(session, viewer, wanted)
    found = await posts.assemble(session, rows.values(), viewer)
    sieve = await sifting.sieve(session, viewer, "notifications")
    return {post.status.id: post for post in found if not sieve.hides(post)}


async def _paintings(
    session: Session, account: Account, groups: Sequence[Group]
) -> dict[int, Painting]:
    rows: list[Notification] = [group.newest for group in groups]
    wanted = {row.painting_id for row in rows} - {None}
    if not wanted:
        return {}
    found = await session.exec(
        select(Painting).where(col(Painting.id).in_(wanted), col(Painting.account_id) == account.id)
    )
    return {painting.id: painting for painting in found.all()}


async def _warnings(
    session: Session, account: Account, groups: Sequence[Group]
) -> dict[int, AccountWarning]:
    wanted = {group.newest.warning_id for group in groups} - {None}
    if not wanted:
        return {}
    found = await session.exec(
        select(AccountWarning).where(
            col(AccountWarning.id).in_(wanted), col(AccountWarning.account_id) == account.id
        )
    )
    return {warning.id: warning for warning in found.all()}


routes: list[BaseRoute] = [Route("/notifications", show, methods=["GET"])]
