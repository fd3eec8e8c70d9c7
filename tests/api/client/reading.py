"""Collections as an app reads them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.api.apps import LD_JSON, PUBLIC, App

AS = {"Accept": LD_JSON}


async def read(app: App, url: str, **headers: str) -> dict[str, Any]:
    answer = await app.get(url, headers=AS | headers)
    assert answer.status == 200, answer.body
    assert isinstance(answer.body, dict)
    return answer.body


async def members(app: App, url: str) -> list[Any]:
    """All that an app finds in a collection, page by page; the count says the same."""
    whole = await read(app, url)
    if "first" not in whole:
        assert whole["totalItems"] == 0
        return []
    page = await read(app, whole["first"])
    found = list(page["orderedItems"])
    while "next" in page:
        page = await read(app, page["next"])
        found += page["orderedItems"]
    assert whole["totalItems"] == len(found)
    return found


async def post(app: App, words: str = "look", **changes: Any) -> str:
    """A post, a second after what was before; its id."""
    app.instance.clock.advance(timedelta(seconds=1))
    note = {"type": "Note", "content": f"<p>{words}</p>", "to": [PUBLIC], **changes}
    answer = await app.submit(note)
    assert answer.status == 201, answer.body
    return str(answer.body["object"]["id"])
