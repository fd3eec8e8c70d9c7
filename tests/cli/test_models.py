"""`easel models`, against a small hub on this machine that serves real folders."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fedi.settings import load
from generation import parts
from tests import rig, warm
from tests.generation.hub_server import Hub, Repository
from tests.pulling import HALF, PATIENCE_S, TINY, half_there

pytest.importorskip("diffusers", reason="easel[paint] is not installed")

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole Stable Diffusion folder with random weights."""
    from generation.random_weights import build

    return build("stable-diffusion", tmp_path_factory.mktemp("hub") / "tiny")


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.close()


class Host:
    """Somebody at a terminal, with a settings file and an empty cache of the hub."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.config = folder / "config.toml"
        self.config.write_text("[painting]\nlocal = false\n", encoding="utf-8")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(folder / "hub"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "EASEL_CACHE": str(folder / "cache"),
            "OMP_NUM_THREADS": "1",
        }

    def command(self, *words: str) -> list[str]:
        return warm.command("-c", str(self.config), "models", *words, modules=("torch",))

    def easel(self, *words: str, **environment: str) -> tuple[int, str]:
        """The exit status of `easel models …`, and all that it says, on one line."""
        done = subprocess.run(
            self.command(*words),
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            text=True,
        )
        assert "Traceback" not in done.stdout, done.stdout
        return done.returncode, " ".join(done.stdout.split())

    async def killed_pull(self, hub: Hub) -> Path:
        """A pull that is killed in the middle of the weights; returns the broken file."""
        hub.stall_after = HALF
        pulling = subprocess.Popen(
            self.command("pull", TINY),
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        try:
            await rig.until(lambda: half_there(self.folder / "hub"), seconds=PATIENCE_S)
        finally:
            warm.kill(pulling)
            pulling.wait()
        hub.stall_after = None
        [part] = half_there(self.folder / "hub")
        return part

    def paint(self, model: str, *, steps: int = 2) -> str:
        """The digest of a picture, painted in a process of its own."""
        code = (
            "import hashlib, sys\n"
            "from generation import catalogue\n"
            "from generation.pipeline import Pipeline\n"
            "from generation.recipe import Recipe\n"
            "pipeline = Pipeline.load(catalogue.find(sys.argv[1]), device='cpu')\n"
            "recipe = Recipe(prompt='a', seed=1, width=64, height=64, guidance=0,"
            " steps=int(sys.argv[2]))\n"
            "print(hashlib.sha256(pipeline.paint([recipe])[0].png).hexdigest())\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, model, str(steps)],
            env=self.environment,
            capture_output=True,
            timeout=120,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def host(tmp_path: Path, hub: Hub) -> Host:
    return Host(tmp_path, hub)


def changed(tiny: Path, folder: Path, change: Callable[[Path], object]) -> Repository:
    shutil.copytree(tiny, folder)
    change(folder)
    return Repository(folder)


def test_a_model_from_its_offer_to_its_end(hub: Hub, host: Host, tiny: Path) -> None:
    hub.repositories[TINY] = Repository(tiny, licence="mit")
    status, said = host.easel("info", TINY)
    assert (status, "licence: mit" in said, "on disk: no" in said) == (0, True, True), said
    whole = re.search(r"to download: (\d+\.\d MB) of (\d+\.\d MB)", said)
    assert whole and whole[1] == whole[2] and not hub.served.get(WEIGHTS), said

    status, said = host.easel("pull", TINY)
    assert (status, f"{TINY} is here: " in said) == (0, True), said
    assert "to download: 0.0 MB of" in host.easel("info", TINY)[1]
    assert TINY in host.easel("list")[1]

    hub.close()  # what is here is loaded without asking anybody
    assert host.paint(TINY) == host.paint(str(tiny))

    status, said = host.easel("remove", TINY, "--yes")
    assert (status, "is removed: " in said) == (0, True), said
    assert "is not here" in host.easel("remove", TINY, "--yes")[1]


async def test_a_pull_that_was_killed_goes_on_where_it_stopped(
    hub: Hub, host: Host, tiny: Path
) -> None:
    hub.repositories[TINY] = Repository(tiny)
    await host.killed_pull(hub)
    assert "on disk: no" in host.easel("info", TINY)[1]  # half a model is none
    status, said = host.easel("pull", TINY)
    assert (status, "is here" in said) == (0, True), said
    [(path, asked)] = hub.ranges
    assert path == WEIGHTS
    assert HALF / 2 <= int(asked.removeprefix("bytes=").rstrip("-")) <= HALF
    host.paint(TINY)


def test_a_connection_that_breaks_is_taken_up_again(hub: Hub, host: Host, tiny: Path) -> None:
    hub.repositories[TINY] = Repository(tiny)
    hub.cut_after = HALF
    status, said = host.easel("pull", TINY)
    assert (status, "is here" in said) == (0, True), said
    assert len(hub.ranges) == 1


def test_only_what_is_loaded_is_fetched(hub: Hub, host: Host, tiny: Path, tmp_path: Path) -> None:
    more = ("unet/diffusion_pytorch_model.bin", "unet/evil.py", "all.ckpt", "vae_old/config.json")

    def change(folder: Path) -> None:
        for name in more:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(b"\0" * 5000)

    hub.repositories[TINY] = changed(tiny, tmp_path / "repo", change)
    status, said = host.easel("pull", TINY)
    assert (status, "is here" in said) == (0, True), said
    assert WEIGHTS in hub.served
    assert not set(more) & set(hub.served)


def _only_pickles(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "unet/diffusion_pytorch_model.bin")


def _one_checkpoint(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "model.ckpt").write_bytes(b"\x80")


def _own_code(folder: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    index["unet"] = ["evil", "Evil"]
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "unet/evil.py").write_text("open('ran', 'w')")


def _own_pipeline(folder: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    index["_class_name"] = ["pipeline", "Evil"]
    (folder / "model_index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_only_pickles, "pickled weights (unet/diffusion_pytorch_model.bin)"),
        (_one_checkpoint, "pickled weights (model.ckpt)"),
        (_own_code, "brings its own program code (unet/evil.py)"),
        (_own_pipeline, "never runs"),
        (lambda folder: (folder / "model_index.json").unlink(), "it has no model_index.json"),
    ],
)
def test_what_is_not_opened_is_refused_by_name(
    hub: Hub, host: Host, tiny: Path, tmp_path: Path, change: Callable[[Path], object], told: str
) -> None:
    hub.repositories[TINY] = changed(tiny, tmp_path / "repo", change)
    status, said = host.easel("pull", TINY)
    assert (status, TINY in said, told in said) == (1, True, True), said
    assert WEIGHTS not in hub.served
    with pytest.raises(parts.Unusable, match=re.escape(told)):  # and no less in a folder
        parts.of_folder(TINY, tmp_path / "repo")


def test_a_gated_model_says_what_to_do(hub: Hub, host: Host, tiny: Path) -> None:
    hub.repositories[TINY] = Repository(tiny, gated=True)
    status, said = host.easel("pull", TINY)
    assert (status, f"{hub.url}/{TINY}" in said, "HF_TOKEN" in said) == (1, True, True), said
    status, said = host.easel("pull", TINY, HF_TOKEN=hub.token)
    assert (status, "is here" in said) == (0, True), said


def test_a_hub_without_it_and_no_hub(hub: Hub, host: Host) -> None:
    status, said = host.easel("pull", TINY)
    assert (status, f"The hub knows no model {TINY}" in said) == (1, True), said
    hub.close()
    status, said = host.easel("pull", TINY)
    assert (status, "The hub cannot be reached" in said) == (1, True), said
    status, said = host.easel("info", "flux2-klein-4b")
    assert (status, "to download: 14.9 GB" in said, "Apache-2.0" in said) == (0, True, True), said


async def test_what_is_damaged_is_not_kept(hub: Hub, host: Host, tiny: Path) -> None:
    hub.repositories[TINY] = Repository(tiny)
    part = await host.killed_pull(hub)
    part.write_bytes(b"\xff" * part.stat().st_size)  # as a bad disk would leave it
    status, said = host.easel("pull", TINY)
    assert (status, "arrived damaged" in said) == (1, True), said
    status, said = host.easel("pull", TINY)
    assert (status, "is here" in said) == (0, True), said


def test_an_entry_with_an_adapter_and_a_variant(hub: Hub, host: Host, tmp_path: Path) -> None:
    """SDXL Lightning as the catalogue has it, of tiny weights: half precision, and a LoRA."""
    import torch
    from diffusers import StableDiffusionXLPipeline
    from diffusers.utils import convert_state_dict_to_diffusers
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    from generation.catalogue import CATALOGUE
    from generation.random_weights import build

    base, lora = tmp_path / "base", tmp_path / "lora"
    pipe = StableDiffusionXLPipeline.from_pretrained(build("stable-diffusion-xl", tmp_path / "xl"))
    pipe.save_pretrained(base)
    pipe.save_pretrained(base, variant="fp16")
    pipe.unet.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"]))
    layers = convert_state_dict_to_diffusers(get_peft_model_state_dict(pipe.unet))
    torch.manual_seed(1)
    layers = {name: torch.randn_like(weights) for name, weights in layers.items()}
    lightning = CATALOGUE["sdxl-lightning"]
    assert lightning.adapter is not None
    StableDiffusionXLPipeline.save_lora_weights(lora, layers, weight_name=lightning.adapter.file)
    (lora / "another.safetensors").write_bytes(b"\0" * 5000)
    hub.repositories[lightning.source] = Repository(base)
    hub.repositories[lightning.adapter.source] = Repository(lora)

    status, said = host.easel("pull", "sdxl-lightning")
    assert (status, "is here" in said) == (0, True), said
    assert "unet/diffusion_pytorch_model.fp16.safetensors" in hub.served
    assert not {"unet/diffusion_pytorch_model.safetensors", "another.safetensors"} & set(hub.served)
    hub.close()
    assert host.paint("sdxl-lightning") != host.paint("sdxl")


COMMENTED = """\
# mine
[instance]
name = "Foxes"   # all of them

[painting]
# The model: a name.
model = ""   # none yet
local = false
# blocked_words = ["model = 'x'"]

[log]
level = "info"
"""


def test_default_changes_one_line(host: Host) -> None:
    host.config.write_text(COMMENTED, encoding="utf-8")
    host.config.chmod(0o640)
    status, said = host.easel("default", "z-image-turbo")
    assert (status, "It is not here yet" in said) == (0, True), said
    expected = COMMENTED.replace('model = ""   #', 'model = "z-image-turbo"   #')
    assert host.config.read_text(encoding="utf-8") == expected
    assert host.config.stat().st_mode & 0o777 == 0o640
    assert load(host.config).painting.model == "z-image-turbo"


def test_default_takes_a_folder(host: Host, tiny: Path) -> None:
    status, said = host.easel("default", str(tiny))
    assert status == 0, said
    assert load(host.config).painting.model == str(tiny)
    assert "* " in host.easel("list")[1]


def test_default_says_the_line_where_it_cannot_be_written(host: Host) -> None:
    written = 'painting = { local = false, model = "" }\n'
    host.config.write_text(written, encoding="utf-8")
    status, said = host.easel("default", "sdxl")
    assert (status, '[painting] model = "sdxl"' in said) == (1, True), said
    assert host.config.read_text(encoding="utf-8") == written


def test_no_such_model(host: Host) -> None:
    for command in ("pull", "default"):
        status, said = host.easel(command, "no-such-model")
        assert (status, "There is no model “no-such-model”" in said) == (1, True), said
