"""Pictures that begin with pictures, asked for by an app, for tests."""

from __future__ import annotations

import io
import json
from typing import Any

import aiohttp

from fedi.database.tables import MediaAttachment
from fedi.studio import media
from tests.api.apps import Answer, App
from tests.studio.asking import reaches
from tests.studio.easel_painter import connected, picture

PATH = "/api/easel/v1/paintings"
PUBLIC_POST = {"text": "Look!", "visibility": "public"}


async def upload(who: App, content: bytes | None = None) -> MediaAttachment:
    """A picture that somebody uploaded and has not posted."""
    easel = who.instance.easel
    prepared = await media.prepare_upload(content or picture(), easel.settings.media)
    stored = await media.store(easel.storage, prepared)
    async with easel.database.write() as tx:
        return media.add_upload(tx, who.account, stored)


async def painted(
    who: App, *, share: bool = True, post: dict[str, Any] | None = None, **recipe: Any
) -> dict[str, Any]:
    """A painting of somebody's, painted and posted if that is wanted."""
    asked = {"recipe": {"prompt": "a lighthouse", "seed": 42, **recipe}, "share_recipe": share}
    made = (await who.post(PATH, asked | ({} if post is None else {"post": post}))).body
    async with connected(who.instance) as card:
        given = await card.given()
        async with reaches(who.instance.easel, int(made["id"]), "done"):
            await card.finish(given, picture(96, 64, "salmon"))
    done = await who.get(f"{PATH}/{made['id']}")
    assert done.body["state"] == "done", done.body
    return dict(done.body)


async def ask(who: App, recipe: dict[str, Any], **beside: Any) -> Answer:
    return await who.post(PATH, {"recipe": {"prompt": "a boat", **recipe}, **beside})


async def form(who: App, asked: Any, files: dict[str, bytes]) -> Answer:
    data = aiohttp.FormData()
    data.add_field("request", asked if isinstance(asked, str) else json.dumps(asked))
    for name, content in files.items():
        data.add_field(name, io.BytesIO(content), filename=f"{name}.png", content_type="image/png")
    async with who.browser.post(
        who.instance.url + PATH, data=data, headers={"Authorization": f"Bearer {who.token}"}
    ) as answer:
        return Answer(answer.status, dict(answer.headers), await answer.json())
