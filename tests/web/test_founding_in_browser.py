"""What the first run shows where there is a graphics card, in a real browser. Without one, and all
the rest of it: `tests/journeys/test_first_run.py`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.pulling import open_hub
from tests.rig import NewDatabase, serve_instance
from tests.web.desk import desk
from tests.web.looking import Looker
from tests.web.test_browser import chromium
from tests.web.test_founding import PASSWORD, key_of

__all__ = ["chromium"]

# What a browser does is the same on every database.
pytestmark = [
    pytest.mark.long,
    pytest.mark.parametrize("new_database", ["sqlite"], indirect=True),
]
# As much of torch as `generation.probe` asks, on a machine that has a card.
TORCH = """
class dtype:
    def __init__(self, itemsize):
        self.itemsize = itemsize

class device:
    def __init__(self, type, index=0):
        self.type, self.index = type, index

class Card:
    total_memory = {bytes}

class cuda:
    is_available = staticmethod(lambda: True)
    device_count = staticmethod(lambda: 1)
    is_bf16_supported = staticmethod(lambda **more: True)
    get_device_name = staticmethod(lambda device: "{name}")
    get_device_properties = staticmethod(lambda device: Card)

bfloat16, float16, float32 = dtype(2), dtype(2), dtype(4)
"""


def has_card(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, size: int) -> None:
    """From now on, processes that are started find a card of so many bytes on this machine."""
    for module, text in {
        "torch": TORCH.format(name=name, bytes=size),
        "diffusers": "",
        "transformers": "",
    }.items():
        (folder / module).mkdir(parents=True)
        (folder / module / "__init__.py").write_text(text)
    around = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(folder), around))))
    # And this one room for every model, whatever disk it has.
    room = type(shutil.disk_usage(folder))(10**13, 0, 10**13)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: room)


async def test_what_a_card_can_do_and_which_model_fits_it(
    new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chromium: Any
) -> None:
    has_card(tmp_path / "card", monkeypatch, "NVIDIA GeForce RTX 4060 Ti", 16_900_000_000)
    here = {"local": True, "device": "auto"}
    with open_hub(tmp_path, monkeypatch):  # nothing has been fetched here
        async with (
            serve_instance(tmp_path, new_database(), painting=here) as instance,
            desk(chromium, instance) as at,
        ):
            await at.open(f"/welcome?key={await key_of(instance)}")
            await at.send("/welcome", username="olga", password=PASSWORD)
            await at.send("/welcome/place", **{"instance.name": "Olga's wall"})
            best = at.page.locator("section", has_text="It fits best")
            await best.wait_for(timeout=180_000)  # torch may be read from the disk
            said = await at.said()
            assert "NVIDIA GeForce RTX 4060 Ti with 17 GB." in said
            assert "FLUX.2 klein" in await best.inner_text()
            assert await best.locator("button").inner_text() == "Fetch it, and paint with it"
            others = at.page.locator("details", has_text="Others that fit")
            await others.locator("summary").click()
            listed = await others.locator("li").all_inner_texts()
            assert len(listed) == 5 and "FLUX.2 klein" not in "".join(listed)
            assert {"fits", "fits in parts"} <= {
                badge for one in listed for badge in ("fits", "fits in parts") if badge in one
            }
            await Looker(at.page).at("welcome-card")
