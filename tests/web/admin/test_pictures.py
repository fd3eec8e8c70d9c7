"""Pictures that wait for one of the staff: looked at, approved, refused with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fedi.database.tables import Painting
from tests import rig
from tests.api.oauth.person import join
from tests.studio.test_reviews import STRICT, judged, painted
from tests.web.admin.staff import appoint, done, press, row, signed_in


@pytest.fixture
async def strict(new_database: rig.NewDatabase, tmp_path: Path) -> Any:
    async with rig.serve_instance(
        tmp_path, new_database(), safety=STRICT, painting={"local": False}
    ) as instance:
        yield instance


async def test_a_held_picture_is_seen_by_the_staff_alone(strict: rig.Instance) -> None:
    alice = await join(strict)
    await appoint(strict)
    first = await painted(strict, alice, judged(0.7), "review")
    second = await painted(strict, alice, judged(0.7), "review")
    page, file = "/admin/pictures", f"/admin/pictures/{first.id}/file"
    async with signed_in(strict, "alice") as visitor:
        assert (await visitor.get(file)).status == 403
    async with signed_in(strict) as visitor:
        assert "2 pictures to look at" in (await visitor.get("/admin")).page.text
        seen = await visitor.get(page)
        assert file in {image["src"] for image in seen.page.all("img") if "src" in image.attributes}
        async with visitor.session.get(strict.url + file) as answer:
            assert answer.status == 200 and answer.headers["Content-Type"].startswith("image/")
            assert answer.headers["Content-Security-Policy"].startswith("sandbox")
            assert "no-store" in answer.headers["Cache-Control"]
        approve, refuse = f"{page}/{first.id}/approve", f"{page}/{second.id}/refuse"
        assert (await press(visitor, page, approve, sensitive="yes")).location == page
        assert (await press(visitor, page, refuse, reason="x" * 400)).status == 422
        assert (await press(visitor, page, refuse, reason="Too <b>near</b>.")).location == page
        assert "No picture waits" in (await visitor.get(page)).body
        assert (await visitor.get(file)).status == 404
        key = (await visitor.get("/admin")).page.all("input", name="form_key")[0]["value"]
        for path in (approve, refuse):
            assert (await visitor.post(path, {"form_key": key})).status == 404
    shown, gone = await row(strict, Painting, first.id), await row(strict, Painting, second.id)
    assert (shown.state, shown.sensitive, gone.state) == ("done", True, "failed")
    assert "Too <b>near</b>." in gone.error
    assert await done(strict) == [
        ("max", "picture.approve", str(first.id)),
        ("max", "picture.refuse", str(second.id)),
    ]
