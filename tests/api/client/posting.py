"""What an app posts, and what becomes of it, as the tests of client-to-server look at it."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from fedi.studio import media
from tests.api.apps import LD_JSON, PUBLIC, Answer, App
from tests.federation.peer import Person


def note(content: str = "<p>Hello</p>", **more: Any) -> dict[str, Any]:
    """A Note for everybody."""
    return {"type": "Note", "content": content, "to": [PUBLIC], **more}


async def done(app: App, activity: Any) -> dict[str, Any]:
    """Post what is taken; the activity that is answered."""
    answer = await app.submit(activity)
    assert answer.status == 201, answer.body
    assert answer.headers["Location"] == answer.body["id"]
    assert answer.headers["Content-Type"].startswith("application/ld+json")
    assert answer.body["actor"] == app.account.uri
    return dict(answer.body)


async def posted(app: App, **more: Any) -> str:
    """The id of a post that was just made."""
    return str((await done(app, note(**more)))["object"]["id"])


async def read(app: App, uri: str) -> Answer:
    return await app.get(uri, headers={"Accept": LD_JSON})


def nobody(app: App) -> App:
    """The same as seen by everybody."""
    return App(app.instance, app.browser, app.account, None)


async def outbox(app: App, of: App | None = None) -> list[dict[str, Any]]:
    """The first page of an outbox (one's own, without `of`), as the app's account sees it."""
    account = (of or app).account
    page = await read(app, f"{account.outbox_uri}?page=true")
    assert page.status == 200, page.body
    return list(page.body["orderedItems"])


async def heard(app: App, person: Person) -> list[dict[str, Any]]:
    """What somebody elsewhere got since the last time."""
    await app.instance.run_jobs()
    got = [
        body
        for url, body, _ in person.internet.posted
        if url in {person.inbox, f"{person.origin}/inbox"}
    ]
    person.internet.posted.clear()
    return got


async def upload(app: App, color: str = "red", description: str = "A square.") -> str:
    """The address of a picture of the app's, as every upload leaves it."""
    easel, out = app.instance.easel, io.BytesIO()
    Image.new("RGB", (32, 32), color).save(out, "PNG")
    prepared = await media.prepare_upload(out.getvalue(), easel.settings.media)
    stored = await media.store(easel.storage, prepared)
    async with easel.database.write() as tx:
        media.add_upload(tx, app.account, stored, description=description)
    return media.address(easel.settings.instance, stored.file)


def wire(document: dict[str, Any]) -> dict[str, Any]:
    """A document without its @context and its proof."""
    return {k: v for k, v in document.items() if k not in {"@context", "proof"}}
