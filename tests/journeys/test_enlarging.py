"""A picture is made larger as it is painted, and another long after, by a real painter process:
both are the same."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import aiohttp
from PIL import Image

from fedi.clock import FakeClock
from generation import provenance, random_weights
from tests import rig
from tests.api.apps import App
from tests.api.beginning import PATH
from tests.api.test_watching import Watcher
from tests.journeys.test_painting import PATIENCE_S
from tests.studio.asking import reaches


async def test_larger_at_once_or_later_is_the_same_picture(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock, browser: aiohttp.ClientSession
) -> None:
    model = random_weights.build("stable-diffusion", tmp_path / "models" / "tiny")
    here = {"local": True, "model": str(model), "device": "cpu"}
    async with rig.serve_instance(tmp_path, new_database(), clock=clock, painting=here) as a:
        alice = await App.of(a, browser, "alice")

        async def painted(asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
            made = await alice.post(PATH, {"share_recipe": True, **asked})
            assert made.status == 201, made.body
            async with reaches(a.easel, int(made.body["id"]), "done", seconds=PATIENCE_S):
                pass
            done = (await alice.get(f"{PATH}/{made.body['id']}")).body
            async with browser.get(done["media"]["url"]) as answer:
                return done, await answer.read()

        recipe = {"prompt": "a lighthouse", "seed": 7, "width": 64, "height": 64, "steps": 2}
        small, small_file = await painted({"recipe": recipe})
        _, at_once = await painted({"recipe": recipe | {"upscale": 2}})
        later, later_file = await painted({"upscale_of": small["id"], "upscale": 2})

        # It is watched as any other.
        asked = {"upscale_of": small["id"], "upscale": 4}
        made = (await alice.post(PATH, asked)).body
        headers = {"Authorization": f"Bearer {alice.token}"}
        async with browser.get(f"{a.url}{PATH}/{made['id']}/events", headers=headers) as answer:
            done = await Watcher(answer).until("done")
        assert done["media"]["width"] == 4 * 64
    with Image.open(io.BytesIO(at_once)) as one, Image.open(io.BytesIO(later_file)) as other:
        assert one.size == other.size == (128, 128)
        assert one.tobytes() == other.tobytes()
    before, after = provenance.read(small_file), provenance.read(later_file)
    # Only the sampler is not known any more of what was painted before.
    fields = provenance.read(at_once).fields
    assert after.fields == {name: value for name, value in fields.items() if name != "Sampler"}
    assert after.digital_source_type == before.digital_source_type
    assert (after.ai_system, after.ai_system_version) == (
        before.ai_system,
        before.ai_system_version,
    )
    assert after.fields["Hires upscaler"] == "Easel upscaler"
    assert later["recipe"]["steps"] == 2
