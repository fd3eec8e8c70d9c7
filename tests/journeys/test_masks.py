"""A picture is changed inside a mask, from a form to the file that everybody reads, by a real
painter process."""

from __future__ import annotations

import io
from pathlib import Path

import aiohttp
from PIL import Image, ImageChops

from fedi.clock import FakeClock
from generation import provenance, random_weights
from tests import rig
from tests.api.apps import App
from tests.api.beginning import PATH, form
from tests.journeys.test_painting import PATIENCE_S
from tests.studio.asking import reaches


async def test_only_what_the_mask_shows_is_painted(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock, browser: aiohttp.ClientSession
) -> None:
    model = random_weights.build("stable-diffusion", tmp_path / "models" / "tiny")
    here = {"local": True, "model": str(model), "device": "cpu"}
    source, mask = io.BytesIO(), io.BytesIO()
    Image.effect_noise((64, 64), 80).convert("RGB").save(source, "PNG")
    hole = Image.new("L", (64, 64), "black")
    hole.paste(255, (32, 0, 64, 64))
    hole.save(mask, "PNG")
    async with rig.serve_instance(tmp_path, new_database(), clock=clock, painting=here) as a:
        alice = await App.of(a, browser, "alice")
        recipe = {"prompt": "a", "source": {"upload": "photo"}, "mask": {"upload": "hole"}}
        asked = {"recipe": recipe, "share_recipe": True}
        made = await form(alice, asked, {"photo": source.getvalue(), "hole": mask.getvalue()})
        assert made.status == 201, made.body
        async with reaches(a.easel, int(made.body["id"]), "done", seconds=PATIENCE_S):
            pass
        done = (await alice.get(f"{PATH}/{made.body['id']}")).body
        async with browser.get(done["media"]["url"]) as answer:
            content = await answer.read()
    told = provenance.read(content)
    assert told.generated and told.digital_source_type == provenance.COMPOSITE
    assert told.fields["Denoising strength"] == "0.85"
    with Image.open(io.BytesIO(content)) as painted, Image.open(source) as before:
        changed = ImageChops.difference(painted.convert("RGB"), before).getbbox()
    assert changed is not None and changed[0] == 32  # nothing to the left of the mask's edge
