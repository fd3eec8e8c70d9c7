"""The queue and the painters, on a page: who waits, who paints, stopped and shut out."""

from __future__ import annotations

from fedi.database.tables import Painter, Painting
from tests.api.oauth.person import join
from tests.rig import Instance
from tests.studio.asking import ask
from tests.studio.queueing import painter, take
from tests.web.admin.staff import appoint, done, press, row, signed_in

PAGE = "/admin/queue"


async def test_what_waits_is_seen_and_stopped(instance: Instance) -> None:
    await appoint(instance, "ada", "admin")
    alice, bob = await join(instance), await join(instance, "bob")
    card = await painter(instance.easel, "garage")
    first = await ask(instance.easel, alice, "a secret")
    assert await take(instance.easel, card) is not None
    second = await ask(instance.easel, bob, "another secret")
    async with signed_in(instance, "ada") as visitor:
        seen = await visitor.get(PAGE)
        begun, waiting = (seen.page.all("section")[at].text for at in (1, 2))
        assert "@alice" in begun and "garage" in begun and "@bob" in waiting
        assert "1 before it" in waiting and "secret" not in seen.body
        for one in (first, second):
            stopped = await press(visitor, PAGE, f"{PAGE}/{one.id}/stop")
            assert stopped.status == 303 and stopped.location == PAGE
            assert (await row(instance, Painting, one.id)).state == "cancelled"
        seen = await visitor.get(PAGE)
        assert "Nothing is being painted." in seen.body and "Nothing waits." in seen.body
        key = seen.page.all("input", name="form_key")[0]["value"]
        again = await visitor.post(f"{PAGE}/{first.id}/stop", {"form_key": key})
        assert again.status == 422 and "painted already" in again.body
        missing = await visitor.post(f"{PAGE}/1/stop", {"form_key": key})
        assert missing.status == 404
    assert await done(instance) == [
        ("ada", "painting.stop", str(first.id)),
        ("ada", "painting.stop", str(second.id)),
    ]


async def test_a_painter_is_shut_out(instance: Instance) -> None:
    await appoint(instance, "ada", "admin")
    alice = await join(instance)
    card = await painter(instance.easel, "garage", ("owner/model",))
    asked = await ask(instance.easel, alice)
    assert await take(instance.easel, card, ("owner/model",)) is not None
    async with signed_in(instance, "ada") as visitor:
        told = (await visitor.get(PAGE)).page.all("section")[0].text
        assert "garage" in told and "owner/model" in told and "1 in hand" in told
        assert (await press(visitor, PAGE, f"{PAGE}/shut-out")).status == 303
        seen = await visitor.get(PAGE)
        assert "No painter has ever connected." in seen.body
        key = seen.page.all("input", name="form_key")[0]["value"]
        fields = {"form_key": key, "id": "garage"}
        assert (await visitor.post(f"{PAGE}/shut-out", fields)).status == 404
    assert await row(instance, Painter, card) is None
    assert (await row(instance, Painting, asked.id)).state == "queued"
    assert await done(instance) == [("ada", "painter.remove", "garage")]
