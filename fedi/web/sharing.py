"""`POST /share`: what another app on the device hands to the pages, which are an app there (W3C Web
Share Target): pictures for a post, or words that say what to paint.

The device makes this form, so it holds no key of ours. It is believed as a cookie is that no other
site can have sent along (`cookies`), and no page elsewhere may send it. Nor does it post anything:
pictures wait for a day like all that are chosen in a form, and what comes next is that form.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.runtime import easel_of
from fedi.social import drafts, text
from fedi.social.errors import SocialError
from fedi.studio import uploads
from fedi.uploads import forms as multipart
from fedi.uploads.forms import UploadedFile
from fedi.uploads.multipart import Limits
from fedi.web import bringing, composing, forms, visitors
from fedi.web.settings import sheets
from fedi.web.words import REMEMBERED

HERE = "/share"
WORDS, PICTURES = "text", "picture"
MAX_WORDS = 2000  # characters: they go on in an address
MAX_PARTS = drafts.MAX_MEDIA + 4  # an app may say a title and an address besides
# As the manifest says it.
TARGET = {
    "action": HERE,
    "method": "POST",
    "enctype": "multipart/form-data",
    "params": {"text": WORDS, "files": [{"name": PICTURES, "accept": list(bringing.TYPES)}]},
}


async def take(request: Request) -> Response:
    """`POST /share`: pictures lead to a post with them, words alone to the studio."""
    visitor = await visitors.of(request)
    if visitor is None:
        return visitors.to_sign_in(request, path="/compose")
    easel = easel_of(request)
    fields: dict[str, str] = {}
    async with _read(request) as (words, files):
        if not files:
            return sheets.back(f"/studio?{urlencode({'prompt': words})}")
        chosen = {f"picture-{place}": file for place, file in enumerate(files, 1)}
        try:
            await bringing.take(easel, visitor.account, fields, chosen)
        except SocialError as error:
            # What is typed there takes no words' place that were begun before.
            written = composing.begun(visitor, words, fields | {REMEMBERED: HERE})
            return await composing.page(request, visitor, written, None, error)
    return sheets.back(f"/compose?{urlencode({'words': words} | fields)}")


@contextlib.asynccontextmanager
async def _read(request: Request) -> AsyncIterator[tuple[str, list[UploadedFile]]]:
    """The words and the files.

    Raises:
        HTTPException: 403 if another site sent them; 400, 413 or 415 if they cannot be read.
    """
    if forms.from_elsewhere(request):
        raise HTTPException(403, "Only an app on your device can share something here.")
    if not multipart.is_form(request):
        raise HTTPException(415, "That is no form with files.")
    most = drafts.MAX_MEDIA * uploads.largest(easel_of(request)) + forms.MAX_BODY
    limits = Limits(most, drafts.MAX_MEDIA, MAX_PARTS, forms.MAX_BODY)
    async with multipart.read_multipart(request, limits) as parts:
        said = next((one for name, one in parts if name == WORDS and isinstance(one, str)), "")
        files = [
            one
            for name, one in parts
            if name == PICTURES and isinstance(one, UploadedFile) and one.size
        ]
        yield text.clean(said)[:MAX_WORDS], files


routes: list[BaseRoute] = [Route(HERE, take, methods=["POST"])]
