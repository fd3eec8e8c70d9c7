"""What trends as our own API tells it, and what moderators make of prompts and chains."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from sqlmodel import select

from fedi.database.tables import AuditEntry
from fedi.social import blocks
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.admin.conftest import staff
from tests.api.mastodon.apps import nobody
from tests.social import people
from tests.social.trends.acting import like, settle

DOCUMENT = Path(__file__).parents[2] / "docs/trends.md"
TRENDS, ADMIN = "/api/easel/v1/trends", "/api/easel/v1/admin/trends"


async def test_prompts_and_chains_are_told_with_reasons_and_judged(
    instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    easel = instance.easel
    alice = await App.of(instance, browser, "alice")
    ada = await staff(instance, browser, "ada", "moderator")
    one, two = [await people.local(easel, name) for name in ("one", "two")]
    instance.clock.advance(timedelta(days=1))
    medium = await people.picture(easel, alice.account, ai_prompt="A fox in fog", share_recipe=True)
    text = "Look https://news.example/fox #fox"
    root = await people.publish(easel, alice.account, text, media_ids=[medium])
    for who in (one, two):
        await people.publish(easel, who, text, based_on_uri=root.uri)
    await like(easel, root, one, two)
    await settle(easel)

    anybody = nobody(instance, browser, alice)
    of_root = {"id": str(root.id), "uri": root.uri, "url": root.url, "account": "alice"}
    expected = {
        "statuses": (2, "", of_root),
        "chains": (2, "", of_root),
        "prompts": (3, "A fox in fog", of_root),
        "tags": (3, "fox", None),
        "links": (3, "https://news.example/fox", None),
    }
    told = {}
    for name, (count, words, post) in expected.items():
        [item] = (await anybody.get(f"{TRENDS}/{name}")).body
        told[name] = item
        assert (item["people"], item["words"], item["post"]) == (count, words, post)
        assert item["why"] == f"{count} people of 1 server in 1 hour"
    assert (await anybody.get(f"{TRENDS}/else")).status == 404
    [example] = re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    written = json.loads(example)
    assert written.keys() == told["prompts"].keys() and written["post"].keys() == of_root.keys()

    for name in ("prompts", "chains"):
        path = f"{ADMIN}/{name}"
        [item] = (await ada.get(path)).body
        assert item == told[name] | {"allowed": None, "requires_review": False}
        for word, allowed in (("reject", False), ("approve", True)):
            answer = await ada.post(f"{path}/{item['id']}/{word}")
            assert answer.body == {"id": item["id"], "allowed": allowed}
            assert len((await anybody.get(f"{TRENDS}/{name}")).body) == allowed
            [judged] = (await ada.get(path)).body
            assert judged["allowed"] is allowed
        for wrong in ("7", "x", "9" * 30):
            assert (await ada.post(f"{path}/{wrong}/reject")).status == 404
        assert (await alice.post(f"{path}/{item['id']}/reject")).status == 403
        assert (await anybody.get(path)).status == 401
    assert (await ada.get(f"{ADMIN}/tags")).status == 404  # Mastodon's apps judge those
    async with easel.database.read() as session:
        noted = (await session.exec(select(AuditEntry.action, AuditEntry.target))).all()
    assert ("prompt.reject", "a fox in fog") in noted and ("chain.approve", root.uri) in noted

    async with easel.database.write() as tx:
        await blocks.add(tx, await tx.get_one(type(one), ada.account.id), alice.account)
    assert (await ada.get(f"{TRENDS}/prompts")).body == []


@pytest.mark.parametrize("scopes", ["read write", "admin:read"])
async def test_who_judges_is_a_moderator_whose_app_may(
    instance: rig.Instance, browser: aiohttp.ClientSession, scopes: str
) -> None:
    app = await staff(instance, browser, "ada", "admin", scopes)
    assert (await app.get(f"{ADMIN}/prompts")).status == (200 if "admin" in scopes else 403)
    assert (await app.post(f"{ADMIN}/prompts/7/approve")).status == 403
