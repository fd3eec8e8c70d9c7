"""What is refused to the clients of ActivityPub, and to other servers: RFC 9457, in the words of
FEP-c180.

Every answer has Mastodon's `error`, too, so that who knows only that finds it. Who asks for
`application/problem+json` gets it anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

MEDIA_TYPE = "application/problem+json"
PREFIX = "https://w3id.org/fep/c180#"
PLAIN = "about:blank"  # there is no more to say than the status does

# Below these paths only ActivityPub is spoken.
PATHS = ("/users/", "/actor", "/inbox")

# The types of FEP-c180 that are told here by name, and what they are answered with. What a status
# says of itself is added by `_usual`; its other types have statuses that other clients misread.
KINDS: Mapping[str, int] = {
    "unsupported-type": 400,
    "no-applicable-addressees": 400,
}


class Problem(HTTPException):
    """Something that FEP-c180 has a word for.

    Args:
        kind: one of `KINDS`, which says the status too.
        detail: one plain sentence.
        members: what else is told by name, such as the `id` of what is meant.
    """

    def __init__(self, kind: str, detail: str, **members: Any) -> None:
        super().__init__(KINDS[kind], detail)
        self.kind = kind
        self.members = members


def spoken(request: Request) -> bool:
    """Whether a refusal is told as a problem."""
    asked = request.headers.get("accept", "").lower()
    return request.url.path.startswith(PATHS) or MEDIA_TYPE in asked


def answer(
    status: int, sentence: str, headers: Mapping[str, str], problem: Problem | None = None
) -> Response:
    """A refusal as RFC 9457 has it.

    Args:
        headers: those that the answer will have: a challenge says whether the app is at fault.
        problem: what is known of it besides.
    """
    kind = problem.kind if problem is not None else _usual(status, headers)
    title = kind.replace("-", " ").capitalize() if kind else HTTPStatus(status).phrase
    document = {
        "type": f"{PREFIX}{kind}" if kind else PLAIN,
        "title": title,
        "status": status,
        "detail": sentence,
        "error": sentence,
        **(problem.members if problem is not None else {}),
    }
    return JSONResponse(document, status, media_type=MEDIA_TYPE)


def _usual(status: int, headers: Mapping[str, str]) -> str:
    """The type that a status has of itself; nothing where there is none."""
    if status == HTTPStatus.FORBIDDEN:
        challenge = headers.get("WWW-Authenticate", "")
        lacking = "insufficient_scope" in challenge
        return "client-not-authorized" if lacking else "principal-not-authorized"
    return "rate-limit-exceeded" if status == HTTPStatus.TOO_MANY_REQUESTS else ""
