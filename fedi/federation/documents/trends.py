"""What trends here, as other servers read it: posts by their ids, those of most people first."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activitypub.objects import Collection
from fedi.federation.documents.reading import answer
from fedi.runtime import easel_of
from fedi.social.trends import listing, verdicts

LENGTH = 40  # posts, as Mastodon's longest page of them


async def statuses(request: Request) -> Response:
    """`GET /trends`: the same for whoever reads."""
    easel = easel_of(request)
    which = verdicts.which(easel.settings.trends)
    async with easel.database.read() as session:
        found = await listing.statuses(session, None, which, limit=LENGTH)
    return answer(
        Collection(
            id=f"{easel.settings.instance.url}/trends",
            type="OrderedCollection",
            total_items=len(found),
            items=tuple(status.uri for status in found),
        ).document()
    )


routes: list[BaseRoute] = [Route("/trends", statuses)]
