"""Help with the words of a picture that is there, beside the form in which it is posted."""

from __future__ import annotations

from typing import cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.runtime import easel_of
from fedi.social.errors import SocialError
from fedi.social.sessions import SignedIn
from fedi.studio import paintings
from fedi.studio.dispatcher import Dispatcher
from fedi.web import forms, visitors
from fedi.web.studio import picture, proposals, typed
from fedi.web.studio.composer import PATH
from fedi.web.studio.deeds import NOT_THERE
from fedi.web.studio.proposals import Names


@visitors.signed_in
async def propose(request: Request, visitor: SignedIn) -> Response:
    """`POST /studio/ID/propose`: the form as it was, and in it what a helper proposes from the
    picture and the words; or, with `take`, the form with one of the proposals in it."""
    sent = await forms.read(request)
    number = picture.number_of(request)
    async with easel_of(request).database.read() as session:
        painting = await paintings.find(session, visitor.account, number)
    if painting.media_id is None:
        raise HTTPException(404, NOT_THERE)
    names = Names(prompt="", alt_texts={painting.media_id: "description"})
    kept = {name: said for name, said in sent.items() if not name.startswith("proposed_")}
    form = dict.fromkeys(("sensitive",), "") | kept  # what is not ticked is not sent
    if sent.get("take"):
        form, left = proposals.taken(sent, form, names)
        return await picture.page(
            request, visitor, number, fields=form, about="post", proposed=left
        )
    dispatcher = cast(Dispatcher, request.app.state.dispatcher)
    try:
        advice = await dispatcher.assistance.propose(
            visitor.account,
            "",
            draft=form.get("text", ""),
            media_ids=[painting.media_id],
            language=form.get("language", "")[: typed.MAX_LANGUAGE],
        )
    except SocialError as error:
        return await picture.page(request, visitor, number, fields=form, error=error, about="post")
    found = proposals.shown(advice, form, names)
    return await picture.page(request, visitor, number, fields=form, about="post", proposed=found)


routes: list[BaseRoute] = [Route(f"{PATH}/{{id}}/propose", propose, methods=["POST"])]
