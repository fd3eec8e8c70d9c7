"""What the pages of settings have in common: how one is shown, and how a form of one is done."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fedi import ids
from fedi.runtime import easel_of
from fedi.social import attempts
from fedi.social.errors import SocialError
from fedi.social.sessions import SignedIn
from fedi.web import forms
from fedi.web.render import private_page

KEPT = "kept"  # the parameter by which a page says that what was sent has been kept


def show(
    request: Request,
    template: str,
    /,
    *,
    error: SocialError | None = None,
    here: str = "settings",
    **context: Any,
) -> Response:
    """A page of settings; with what is wrong, if something is."""
    told: dict[str, Any] = {
        "sheets": ("forms", "settings"),
        "here": here,
        "form_key": forms.key(request),
        "error": str(error) if error is not None else "",
        "kept": error is None and KEPT in request.query_params,
    }
    status = error.status if error is not None else 200
    answer = private_page(request, template, status=status, **told | context)
    return forms.patient(answer, error)


def back(path: str, *, kept: bool = False) -> Response:
    """To a page, after a form of it was done; `kept` says so there."""
    more = f"{'&' if '?' in path else '?'}{KEPT}=1" if kept else ""
    return RedirectResponse(f"{path}{more}", 303, {"Cache-Control": "no-store"})


def count(
    request: Request, visitor: SignedIn, limit: attempts.Limit = attempts.DEEDS_OF_ACCOUNT
) -> None:
    """Count one form of somebody.

    Raises:
        TooMany: it was one too many.
    """
    attempts.by_account(easel_of(request), limit, visitor.account)


def number(fields: dict[str, str], name: str = "id") -> int:
    """An id in a form.

    Raises:
        HTTPException: 400, that is none.
    """
    found = ids.parse(fields.get(name))
    if found is None:
        raise HTTPException(400, "The id must be a number.")
    return found
