"""Voting in a poll, by the form under what asks."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fedi import ids
from fedi.database.tables import Account
from fedi.runtime import easel_of
from fedi.social import attempts, polls
from fedi.social.errors import Invalid
from fedi.social.sessions import SignedIn
from fedi.web import deeds, forms, visitors

CHOICE = "choice"  # the field of the one that is chosen; of several, with the number of each


@visitors.signed_in
async def vote(request: Request, visitor: SignedIn) -> Response:
    """`POST /posts/ID/vote`.

    Raises:
        Invalid: nothing was chosen, or it cannot be.
    """
    fields = await forms.read(request)
    easel = easel_of(request)
    attempts.by_account(easel, attempts.DEEDS_OF_ACCOUNT, visitor.account)
    chosen = [
        ids.parse(value)
        for name, value in fields.items()
        if name == CHOICE or name.startswith(f"{CHOICE}-")
    ]
    wanted = [number for number in chosen if number is not None]
    if not wanted:
        raise Invalid("Choose something to vote for.")
    async with easel.database.write() as tx:
        voter = await tx.get_one(Account, visitor.account.id)
        status = await deeds.find(tx, voter, request.path_params["id"])
        await polls.vote(tx, voter, status, wanted)
    path = visitors.back(request).partition("#")[0]
    return RedirectResponse(f"{path}#p-{status.id}", 303, {"Cache-Control": "no-store"})


routes: list[BaseRoute] = [Route("/posts/{id:int}/vote", vote, methods=["POST"])]
