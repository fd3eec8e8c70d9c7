"""What an account's own apps read: its inbox, the follows that wait for an answer (FEP-4ccd), and
whom it blocks (FEP-c648). To everybody else they are closed.

What others may read too, by what they may see, is `fedi.federation.documents`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import aliased
from sqlmodel import col, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activitypub.objects import activity as activities
from fedi.api import auth
from fedi.api.client import received
from fedi.api.client.owner import owner
from fedi.database.tables import Account, Block, Follow
from fedi.federation.documents.collections import respond
from fedi.federation.documents.paging import Listing
from fedi.runtime import easel_of
from fedi.social import follows, inboxes


async def inbox(request: Request) -> Response:
    """`GET /users/NAME/inbox`: what came in, as activities, the newest first."""
    who = await owner(request, "read:statuses")
    auth.demand(who, "read:notifications")  # who follows, and who likes what, stands there, too
    account = who.account
    entries = inboxes.keys(account).subquery()
    listing = Listing(
        uri=account.inbox_uri,
        query=select(entries.c.key),
        key=entries.c.key,
        event_stream=f"{account.uri}/events/inbox",
    )
    async with easel_of(request).database.read() as session:

        async def show(keys: list[int]) -> Iterable[Any]:
            came = await inboxes.load(session, account, keys)
            return [
                await received.activity(session, account, came[key]) for key in keys if key in came
            ]

        return await respond(session, request, listing, show, public=False)


async def pending_followers(request: Request) -> Response:
    """`GET /users/NAME/pendingFollowers`: the Follows that the account did not answer yet."""
    return await _pending(request, "pendingFollowers", Follow.target_account_id)


async def pending_following(request: Request) -> Response:
    """`GET /users/NAME/pendingFollowing`: its own Follows that nobody answered yet."""
    return await _pending(request, "pendingFollowing", Follow.account_id)


async def _pending(request: Request, name: str, whose: Any) -> Response:
    account = (await owner(request, "read:follows")).account
    follower, followed = aliased(Account), aliased(Account)
    query = (
        select(col(Follow.uri), col(follower.uri), col(followed.uri))
        .join(follower, col(follower.id) == col(Follow.account_id))
        .join(followed, col(followed.id) == col(Follow.target_account_id))
        .where(col(whose) == account.id, Follow.state != follows.ACCEPTED)
    )
    return await _ties(request, f"{account.uri}/{name}", query, col(Follow.id), activities.follow)


async def blocked(request: Request) -> Response:
    """`GET /users/NAME/blocked`: the Blocks of the account."""
    account = (await owner(request, "read:blocks")).account
    query = (
        select(col(Block.uri), col(Account.uri))
        .join(Account, col(Account.id) == col(Block.target_account_id))
        .where(col(Block.account_id) == account.id)
    )
    return await _ties(
        request,
        f"{account.uri}/blocked",
        query,
        col(Block.id),
        lambda uri, target: activities.block(uri, account.uri, target),
    )


async def _ties(request: Request, uri: str, query: Any, key: Any, make: Any) -> Response:
    """A collection of activities that are made of the columns of each row."""

    async def show(rows: list[Any]) -> Iterable[Any]:
        return [make(*row).document() for row in rows]

    async with easel_of(request).database.read() as session:
        return await respond(session, request, Listing(uri, query, key), show, public=False)


routes: list[BaseRoute] = [
    Route("/users/{name}/inbox", inbox),
    Route("/users/{name}/pendingFollowers", pending_followers),
    Route("/users/{name}/pendingFollowing", pending_following),
    Route("/users/{name}/blocked", blocked),
]
