"""What trends, on a page: seen with its reason, approved or rejected."""

from __future__ import annotations

from datetime import timedelta

from fedi.social.trends import listing
from tests.rig import Instance
from tests.social import people
from tests.social.trends.acting import like, settle
from tests.web.admin.staff import appoint, done, press, signed_in

PAGE = "/admin/trends"


async def test_what_trends_is_seen_with_its_reason_and_judged(instance: Instance) -> None:
    easel = instance.easel
    await appoint(instance)
    maker, one, two = [await people.local(easel, name) for name in ("mia", "one", "two")]
    instance.clock.advance(timedelta(days=1))
    medium = await people.picture(easel, maker, ai_prompt="A fox in fog", share_recipe=True)
    root = await people.publish(easel, maker, "Look #fox", media_ids=[medium])
    for who in (one, two):
        await people.publish(easel, who, "Mine #fox", based_on_uri=root.uri)
    await like(easel, root, one, two)
    await settle(easel)
    async with easel.database.read() as session:
        [tag] = await listing.tags(session, None, limit=5)
        [prompt] = await listing.prompts(session, None, limit=5)
    numbers = {"status": root.id, "chain": root.id, "tag": tag.id, "prompt": prompt.number}
    words = {"status": "Look #fox", "chain": "Look #fox", "tag": "#fox", "prompt": "A fox in fog"}
    async with signed_in(instance) as visitor:
        for kind, number in numbers.items():
            page = f"{PAGE}?kind={kind}"
            row = (await visitor.get(page)).page.one("ol", _class="judged")
            assert words[kind] in row.text and "of 1 server in 1 hour" in row.text
            told = await visitor.get(f"/api/easel/v1/trends/{_name(kind)}")
            assert str(number) in told.body
            deed = f"{PAGE}/{number}/reject"
            assert (await press(visitor, page, deed)).location == page
            row = (await visitor.get(page)).page.one("ol", _class="judged")
            assert "rejected" in row.text
            told = await visitor.get(f"/api/easel/v1/trends/{_name(kind)}")
            assert str(number) not in told.body
            await press(visitor, page, f"{PAGE}/{number}/approve")
            told = await visitor.get(f"/api/easel/v1/trends/{_name(kind)}")
            assert str(number) in told.body
        assert "Nothing of this kind" in (await visitor.get(f"{PAGE}?kind=link")).body
        assert (await visitor.get(f"{PAGE}?kind=else")).status == 404
        key = (await visitor.get(PAGE)).page.all("input", name="form_key")[0]["value"]
        for number, kind, status in ((7, "tag", 404), (root.id, "else", 422)):
            fields = {"form_key": key, "kind": kind}
            assert (await visitor.post(f"{PAGE}/{number}/reject", fields)).status == status
        assert "Rejected as a trend the post" in (await visitor.get("/admin/log")).body
    noted = await done(instance)
    assert ("max", "prompt.reject", "a fox in fog") in noted and len(noted) == 8


def _name(kind: str) -> str:
    return f"{kind}es" if kind == "status" else f"{kind}s"
