"""`easel models` for the models that help, against a small hub on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fedi.cli import equipment
from fedi.settings import Settings, load
from tests.cli.test_models import Host
from tests.generation.hub_server import Hub, Repository

pytest.importorskip("transformers", reason="easel[paint] is not installed")

from generation.random_helpers import build_classifier, build_language, build_tiny_decoder

KEY, SOURCE = "nsfw-falconsai", "Falconsai/nsfw_image_detection"
BESIDE = ("pytorch_model.bin", "yolo.pt", "modeling_evil.py", "onnx/model.onnx", "README.md")


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.close()


@pytest.fixture
def host(tmp_path: Path, hub: Hub) -> Host:
    return Host(tmp_path / "host", hub)


@pytest.fixture
def judge(tmp_path: Path) -> Path:
    """A classifier as the hub has it, with much beside it that is not opened."""
    folder = build_classifier(tmp_path / "judge", {"normal": 0.5, "nsfw": 0.5})
    for name in BESIDE:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"\0" * 2000)
    return folder


def test_a_classifier_is_pulled_used_and_removed(hub: Hub, host: Host, judge: Path) -> None:
    hub.repositories[SOURCE] = Repository(judge)
    status, said = host.easel("info", KEY)
    assert (status, "for: safety" in said, "on disk: no" in said) == (0, True, True), said
    status, said = host.easel("pull", KEY)
    assert (status, "It looks at each picture from the painter's next start on" in said) == (
        0, True,
    ), said  # fmt: skip
    assert {"config.json", "model.safetensors", "preprocessor_config.json"} <= set(hub.served)
    assert not set(BESIDE) & set(hub.served)
    hub.close()
    said = host.easel("list")[1]
    assert f"* │ {KEY}" in said and said.count(KEY) == 1
    assert SOURCE not in said  # it is listed by its name in the catalogue
    status, said = host.easel("remove", KEY, "--yes")
    assert (status, "is removed" in said) == (0, True), said
    assert f"* │ {KEY}" not in host.easel("list")[1]


def test_a_tiny_decoder_is_pulled_and_need_not_be_chosen(
    hub: Hub, host: Host, tmp_path: Path
) -> None:
    folder = build_tiny_decoder(tmp_path / "taesd")
    hub.repositories["madebyollin/taesd"] = Repository(folder)
    status, said = host.easel("pull", "taesd")
    assert status == 0, said
    assert "It shows pictures while they are painted, where it fits, from" in said
    status, said = host.easel("default", "taesd")
    assert (status, "TAESD need not be chosen" in said) == (1, True), said
    hub.close()
    assert "│ taesd " in host.easel("list")[1]
    status, said = host.easel("remove", "taesd", "--yes")
    assert (status, "is removed" in said) == (0, True), said


def test_a_part_of_a_model_is_no_model(hub: Hub, host: Host, tmp_path: Path) -> None:
    folder = build_tiny_decoder(tmp_path / "part")
    config = (folder / "config.json").read_text(encoding="utf-8")
    (folder / "config.json").write_text(config.replace("Tiny", "KL"), encoding="utf-8")
    hub.repositories["someone/part"] = Repository(folder)
    status, said = host.easel("pull", "someone/part")
    assert (status, "is no diffusers model" in said) == (1, True), said


def test_a_helper_that_is_not_in_the_catalogue(hub: Hub, host: Host, tmp_path: Path) -> None:
    hub.repositories["someone/pen"] = Repository(build_language(tmp_path / "pen"))
    status, said = host.easel("pull", "someone/pen")
    assert status == 0, said
    assert "`easel models default someone/pen` makes it the one that proposes words" in said
    status, said = host.easel("default", "someone/pen")
    assert (status, "words.language_model says so" in said) == (0, True), said
    settings = load(host.config)
    assert settings.words.language_model == "someone/pen" and not settings.painting.model
    assert "* │ someone/pen │ language" in host.easel("list")[1]


def test_a_helper_of_pickles_is_not_opened(hub: Hub, host: Host, judge: Path) -> None:
    (judge / "model.safetensors").unlink()
    hub.repositories[SOURCE] = Repository(judge)
    status, said = host.easel("pull", KEY)
    assert (status, "pickled weights (pytorch_model.bin)" in said) == (1, True), said


def test_the_doctor_says_which_helpers_are_missing(tmp_path: Path) -> None:
    blind = build_language(tmp_path / "pen")
    for section, values, state, told in (
        ("safety", {"classifier": "none"}, "ok", "None is wanted: safety.classifier says so."),
        ("safety", {"classifier": "nsfw-freepik"}, "warning", "`easel models pull nsfw-freepik`"),
        ("safety", {"classifier": "no such"}, "problem", "Mend safety.classifier."),
        ("words", {"describer": str(blind)}, "problem", "Mend words.describer."),
        ("words", {"language_model": str(blind)}, "ok", "pen (licence unknown)."),
    ):
        findings = equipment.check_helpers(Settings.model_validate({section: values}))
        assert any(one.state == state and told in one.message for one in findings), findings


def test_the_doctor_says_what_it_means_that_none_was_pulled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    found = {one.subject: one for one in equipment.check_helpers(Settings.model_validate({}))}
    assert found["classifier"].state == "warning"
    assert "only the words of a prompt decide" in found["classifier"].message
    assert "`easel models pull nsfw-falconsai`" in found["classifier"].message
