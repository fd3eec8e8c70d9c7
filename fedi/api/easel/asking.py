"""What an app asks for, read from a JSON body (see `fedi.studio.wishes`), or from a form.

A `multipart/form-data` body has files beside it: its part `request` is the JSON, which names the
others by `{"upload": "name"}`.
"""

from __future__ import annotations

from starlette.requests import Request

from fedi.api import body
from fedi.database.tables import Account
from fedi.runtime import Easel
from fedi.studio import limits, wishes
from fedi.studio.wishes import Asked, parse_recipe
from fedi.uploads import forms
from fedi.uploads.multipart import Limits
from generation import protocol
from generation.recipe import MAX_REFERENCES

__all__ = ["parse_recipe", "read"]

REQUEST = "request"  # the part of a form that holds the JSON
MAX_FILES = MAX_REFERENCES + 2  # a source and a mask besides
FORM = Limits(protocol.MAX_INPUTS + body.MAX_BODY, files=MAX_FILES, parts=2 * MAX_FILES)


async def read(request: Request, easel: Easel, account: Account) -> Asked:
    """Read a request, and find and store what it begins with.

    Raises:
        HTTPException: 400, 413 or 415 for a body that cannot be read.
        SocialError: with what to change.
    """
    if not forms.is_form(request):
        return await wishes.understand(easel, account, await body.read_object(request), {})
    with limits.forms(easel, account):
        async with forms.read_form(request, REQUEST, FORM) as (asked, uploads):
            return await wishes.understand(easel, account, asked, uploads)
