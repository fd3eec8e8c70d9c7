"""Changing one setting in a settings file leaves everything else as it was written."""

from __future__ import annotations

import tomllib

import pytest

from fedi.settings_file import NotSafe, with_value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[painting]\nmodel = "x"\n'),
        ("# mine\n", '# mine\n\n[painting]\nmodel = "x"\n'),
        ("[log]\nlevel = 'info'", "[log]\nlevel = 'info'\n\n[painting]\nmodel = \"x\"\n"),
        ("[painting]\nlocal = true\n", '[painting]\nmodel = "x"\nlocal = true\n'),
        ("[ painting ] # here\nmodel='a' # b\n", '[ painting ] # here\nmodel = "x" # b\n'),
        ("[painting]\n[log]\n", '[painting]\nmodel = "x"\n[log]\n'),
        ('[other]\nmodel = "a"\n[painting]\n', '[other]\nmodel = "a"\n[painting]\nmodel = "x"\n'),
        ('[painting]\r\nmodel = "a"\r\n', '[painting]\r\nmodel = "x"\r\n'),
        ('[painting]\nmodel = "a # \\" b"  # c\n', '[painting]\nmodel = "x"  # c\n'),
    ],
)
def test_one_line_is_changed(before: str, after: str) -> None:
    assert with_value(before, "painting", "model", "x") == after


@pytest.mark.parametrize(
    "text",
    [
        'painting.model = "a"\n',
        'painting = { model = "a" }\n',
        '[painting]\nmodel = """a\nb"""\n',
        '[painting]\n"model" = "a"\n',
        'note = """\n[painting]\nmodel = "a"\n"""\n',
        'painting = "no table"\n',
    ],
)
def test_what_could_be_spoiled_is_left_alone(text: str) -> None:
    with pytest.raises(NotSafe):
        with_value(text, "painting", "model", "x")


@pytest.mark.parametrize("value", ['a"b', "C:\\models\\x", "ä/ö", "[log]", "# x"])
def test_every_value_comes_back(value: str) -> None:
    text = with_value("[painting]\nmodel = 'a'\n", "painting", "model", value)
    assert tomllib.loads(text)["painting"]["model"] == value
