"""`easel models` with LoRAs, against a small hub on this machine that serves real ones."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_models import Host
from tests.generation.hub_server import Hub, Repository

pytest.importorskip("diffusers", reason="easel[paint] is not installed")

INK = "someone/ink"
SDXL = "stabilityai/stable-diffusion-xl-base-1.0"
V1 = "stable-diffusion-v1-5/stable-diffusion-v1-5"


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.close()


@pytest.fixture
def host(tmp_path: Path, hub: Hub) -> Host:
    host = Host(tmp_path / "host", hub)
    host.environment["EASEL_LORAS"] = str(host.folder / "loras")
    return host


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from generation.random_weights import build

    return build("stable-diffusion", tmp_path_factory.mktemp("loras") / "tiny")


@pytest.fixture(scope="session")
def ink(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real LoRA for the tiny model, with random weights."""
    import torch
    from diffusers import StableDiffusionPipeline
    from diffusers.utils import convert_state_dict_to_diffusers
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    folder = tmp_path_factory.mktemp("ink")
    pipe = StableDiffusionPipeline.from_pretrained(tiny, use_safetensors=True)
    pipe.unet.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"]))
    layers = convert_state_dict_to_diffusers(get_peft_model_state_dict(pipe.unet))
    torch.manual_seed(1)
    layers = {name: torch.randn_like(weights) for name, weights in layers.items()}
    StableDiffusionPipeline.save_lora_weights(folder, layers, weight_name="ink.safetensors")
    return folder / "ink.safetensors"


def header_only(path: Path, metadata: dict[str, str] | None = None, name: str = "a.lora_A") -> Path:
    """A safetensors file of one number."""
    said = {name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    if metadata:
        said["__metadata__"] = metadata  # type: ignore[assignment]
    written = json.dumps(said).encode()
    path.write_bytes(struct.pack("<Q", len(written)) + written + bytes(4))
    return path


def repository(folder: Path, *files: Path, base: str = V1) -> Repository:
    folder.mkdir()
    for file in files:
        shutil.copy(file, folder)
    return Repository(folder, licence="mit", base=base)


def paint(host: Host, model: Path, lora: str) -> tuple[bool, str]:
    """Whether a LoRA of that name changes the picture; or what is said against it."""
    code = (
        "import sys\n"
        "from generation import catalogue\n"
        "from generation.pipeline import Pipeline\n"
        "from generation.recipe import Lora, Recipe, RecipeError\n"
        "pipeline = Pipeline.load(catalogue.find(sys.argv[1]), device='cpu')\n"
        "def paint(*loras):\n"
        "    recipe = Recipe(prompt='a', seed=1, width=64, height=64, guidance=0, steps=2,"
        " loras=loras)\n"
        "    return pipeline.paint([recipe])[0].png\n"
        "try:\n"
        "    print(paint() != paint(Lora(name=sys.argv[2])))\n"
        "except RecipeError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(model), lora],
        env=host.environment,
        capture_output=True,
        timeout=120,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.strip()
    return said == "True", said


@pytest.mark.long
def test_a_lora_from_the_hub_from_its_pull_to_its_end(
    hub: Hub, host: Host, ink: Path, tiny: Path, tmp_path: Path
) -> None:
    hub.repositories[INK] = repository(tmp_path / "ink", ink)
    assert "no LoRA someone/ink here" in paint(host, tiny, INK)[1]
    status, said = host.easel("pull", INK)
    assert (status, "pull it with --lora" in said) == (1, True), said
    status, said = host.easel("pull", INK, "--lora")
    assert (status, f"{INK}/ink.safetensors is here" in said) == (0, True), said
    assert "It is for models of the family stable-diffusion." in said and "licence is mit" in said
    hub.close()  # what is here is used without asking anybody
    for name in (INK, f"{INK}/ink.safetensors"):
        assert paint(host, tiny, name) == (True, "True")
        said = host.easel("info", name)[1]
        assert "for: stable-diffusion" in said and f"made from: {V1}" in said, said
    said = host.easel("list")[1]
    assert f"{INK}/ink.safetensors" in said and said.count(INK) == 1, said
    status, said = host.easel("remove", INK, "--yes")
    assert (status, "is removed: " in said) == (0, True), said
    assert INK not in host.easel("list")[1]
    assert "no LoRA someone/ink here" in paint(host, tiny, INK)[1]
    assert not list((host.folder / "hub").rglob("*.safetensors"))


def test_of_several_files_one_is_chosen(hub: Hub, host: Host, ink: Path, tmp_path: Path) -> None:
    other = header_only(tmp_path / "chalk.safetensors")
    hub.repositories[INK] = repository(tmp_path / "both", ink, other)
    status, said = host.easel("pull", INK, "--lora")
    assert (status, "say which with --file, out of chalk.safetensors, ink.safetensors" in said) == (
        1, True,
    ), said  # fmt: skip
    assert not hub.served
    status, said = host.easel("pull", INK, "--lora", "--file", "pastel.safetensors")
    assert (status, "has no file pastel.safetensors; there is chalk" in said) == (1, True), said
    assert host.easel("pull", INK, "--lora", "--file", "chalk.safetensors")[0] == 0
    assert host.easel("pull", f"{INK}/ink.safetensors", "--lora")[0] == 0
    status, said = host.easel("remove", INK, "--yes")
    assert (status, "has several LoRAs: name one of" in said) == (1, True), said
    assert host.easel("remove", f"{INK}/chalk.safetensors", "--yes")[0] == 0
    said = host.easel("list")[1]
    assert f"{INK}/ink.safetensors" in said and "chalk" not in said


@pytest.mark.parametrize(
    ("said", "asked", "family"),
    [
        ({"base": SDXL}, (), "stable-diffusion-xl"),
        ({"base": "black-forest-labs/FLUX.1-dev"}, (), "flux"),
        ({"base": ""}, ("--for", "z-image-turbo"), "z-image"),
        ({"base": SDXL}, ("--for", "flux2-klein-4b"), "flux2-klein"),
        ({"base": "/etc/passwd"}, (), ""),
        ({"base": "somebody/unheard-of"}, (), ""),
        ({"base": ""}, ("--for", "somebody/unheard-of"), ""),
    ],
)
def test_what_it_was_made_for_is_noted(
    hub: Hub, host: Host, tmp_path: Path, said: dict[str, str], asked: tuple[str, ...], family: str
) -> None:
    hub.repositories[INK] = repository(
        tmp_path / "ink", header_only(tmp_path / "ink.safetensors"), **said
    )
    status, told = host.easel("pull", INK, "--lora", *asked)
    if family:
        assert (status, f"models of the family {family}." in told) == (0, True), told
    else:
        assert status == 1 and ("--for" in told or "Nothing is known of" in told), told
        assert INK not in host.easel("list")[1]
        assert not list((host.folder / "hub").rglob("*.safetensors"))


def test_a_file_of_the_hosts_is_taken(hub: Hub, host: Host, ink: Path, tiny: Path) -> None:
    status, said = host.easel("pull", str(ink), "--lora")
    assert (status, "Nothing says for which model ink.safetensors was made" in said) == (1, True)
    status, said = host.easel("pull", str(ink), "--lora", "--for", str(tiny))
    assert (status, "ink.safetensors is here" in said) == (0, True), said
    assert '"loras": [{"name": "ink.safetensors", "weight": 1}]' in said
    assert paint(host, tiny, "ink") == paint(host, tiny, "ink.safetensors") == (True, "True")
    said = host.easel("list")[1]
    assert "ink.safetensors" in said and "stable-diffusion" in said
    assert host.easel("remove", "ink", "--yes")[0] == 0
    assert ink.is_file() and not (host.folder / "loras" / "ink.safetensors").exists()
    # What was laid there by hand is its owner's.
    shutil.copy(ink, host.folder / "loras")
    assert "unknown" in host.easel("info", "ink")[1]
    status, said = host.easel("remove", "ink", "--yes")
    assert (status, "is a file of yours" in said) == (1, True), said


def test_a_file_says_itself_what_it_was_made_for(host: Host, tmp_path: Path) -> None:
    for number, (field, value, family) in enumerate(
        [
            ("modelspec.architecture", "stable-diffusion-xl-v1-base/lora", "stable-diffusion-xl"),
            ("modelspec.architecture", "flux-1-dev/lora", "flux"),
            ("ss_base_model_version", "sd_v1", "stable-diffusion"),
        ]
    ):
        file = header_only(tmp_path / f"l{number}.safetensors", {field: value})
        status, said = host.easel("pull", str(file), "--lora")
        assert (status, f"family {family}." in said) == (0, True), said


def test_what_is_no_lora_is_refused_by_name(hub: Hub, host: Host, tmp_path: Path) -> None:
    pickled, noise = tmp_path / "ink.bin", tmp_path / "noise.safetensors"
    pickled.write_bytes(b"\x80\x04.")
    noise.write_bytes(b"\xff" * 2000)
    whole = header_only(tmp_path / "whole.safetensors", name="unet.conv_in.weight")
    for name, file, told in (
        ("a/pickled", pickled, "pickled weights (ink.bin)"),
        ("a/noise", noise, "noise.safetensors is no safetensors file"),
        ("a/whole", whole, "whole.safetensors is no LoRA"),
    ):
        hub.repositories[name] = repository(tmp_path / name.replace("/", "-"), file)
        status, said = host.easel("pull", name, "--lora")
        assert (status, told in said) == (1, True), said
        if file != pickled:
            status, said = host.easel("pull", str(file), "--lora", "--for", "sdxl")
            assert (status, told in said) == (1, True), said
    assert not list(host.folder.rglob("*.safetensors"))
    status, said = host.easel("pull", str(pickled), "--lora")
    assert (status, "There is no LoRA" in said) == (1, True), said
    status, said = host.easel("pull", "sdxl", "--for", "sdxl")
    assert (status, "say --lora, too" in said) == (1, True), said
