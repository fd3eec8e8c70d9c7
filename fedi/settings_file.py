"""Changing one setting in a settings file, and nothing else in it: comments stay."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import tomllib
from pathlib import Path

from fedi.settings import toml_value

_HEADER = re.compile(r"\s*\[\s*([A-Za-z_]+)\s*\]\s*(#.*)?")
_ANY_HEADER = re.compile(r"\s*\[")
# A value that ends on its line, and what follows it.
_VALUE = r"""("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'#\[{]+)(?P<rest>\s*(?:\#.*)?)"""


class NotSafe(ValueError):
    """The file is written in a way that could be spoiled by changing it."""


def with_value(text: str, section: str, key: str, value: str) -> str:
    """The text of a settings file with one setting changed, or added where it was not set.

    Args:
        text: the whole file, valid TOML.
        section: the name of a section, such as `painting`.
        key: the name of a setting in it.
        value: its new value.

    Returns:
        The text, changed in that one line.

    Raises:
        NotSafe: the result would not be the same settings with that one changed.
    """
    ending = "\r\n" if "\r\n" in text else "\n"
    written = f"{key} = {toml_value(value)}"
    lines = text.split(ending)
    place = re.compile(rf"(?P<indent>\s*){re.escape(key)}\s*=\s*{_VALUE}")
    start = next(
        (n for n, line in enumerate(lines) if (m := _HEADER.fullmatch(line)) and m[1] == section),
        None,
    )
    if start is None:
        while lines and not lines[-1].strip():
            lines.pop()
        lines += [*([""] if lines else []), f"[{section}]", written, ""]
    else:
        for number in range(start + 1, len(lines)):
            if _ANY_HEADER.match(lines[number]):
                lines.insert(start + 1, written)
                break
            if found := place.fullmatch(lines[number]):
                lines[number] = f"{found['indent']}{written}{found['rest']}"
                break
        else:
            lines.insert(start + 1, written)
    result = ending.join(lines)
    try:
        expected = tomllib.loads(text)
        expected.setdefault(section, {})[key] = value
        same = tomllib.loads(result) == expected
    except (tomllib.TOMLDecodeError, AttributeError, TypeError):
        same = False
    if not same:
        raise NotSafe(f"{section}.{key} cannot be changed there safely")
    return result


def change(path: Path, section: str, key: str, value: str) -> None:
    """Change one setting in a settings file, whole or not at all.

    Args:
        path: the file.
        section: the name of a section.
        key: the name of a setting in it.
        value: its new value.

    Raises:
        NotSafe: the file is left as it was.
        OSError: it cannot be read or written.
    """
    path = path.resolve()  # a link stays one
    with path.open(encoding="utf-8", newline="") as file:
        text = file.read()
    changed = with_value(text, section, key, value)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(changed)
        os.chmod(name, path.stat().st_mode & 0o777)
        os.replace(name, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
