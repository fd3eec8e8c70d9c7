"""Where Easel is not held to Mastodon's description of its API, and why.

Of entities, `tests/api/mastodon/deviations.py` says so.
"""

from __future__ import annotations

# Operations, or paths and all below them.
NOT_HERE = {
    "GET /api/v1/annual_reports/{year}": "no annual reports; 404, as of a year that has none",
    "POST /api/v1/annual_reports/{year}/read": "no annual reports; 404, as of a year without one",
    "/api/v1/collections": "no collections (api_versions.mastodon is below 10); 404",
    "/api/v1/accounts/{account_id}/collections": "no collections; 404",
    "/api/v1/accounts/{account_id}/in_collections": "no collections; 404",
    "/api/v1/timelines/direct": "gone since Mastodon 3.0, for conversations; 404",
    "/api/v1/statuses/{id}/translate": "no translator; 404, as Mastodon without one",
}

# What answers with something else than JSON; other tests hold it to what it is.
OTHERWISE = {
    "GET /oauth/authorize": "a page: tests/api/oauth",
    "GET /health": "a word for load balancers: tests/api/mastodon/test_front_door.py",
    "/api/v1/streaming": "streams: tests/api/mastodon/test_streaming.py",
}

# Operations whose routes are still to come. A test fails as soon as one is there.
AWAITED = {}

# Answers that are not as the description says; which shape they have is left out.
ANSWERS = {
    "GET /api/v1/filters": "described as an object with nothing in it; Mastodon sends a list",
    "GET /.well-known/oauth-authorization-server": "we have the scope offline_access, too",
}


def among(operation: str, excepted: dict[str, str]) -> bool:
    """Whether an operation (`GET /api/…`) is one of these."""
    _, path = operation.split(" ")
    return any(
        name in {operation, path} or path.startswith(f"{name}/")  # a path has all below it
        for name in excepted
    )
