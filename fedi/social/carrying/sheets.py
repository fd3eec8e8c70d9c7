"""The lists that Mastodon 4.6 writes: their columns, and what a line of them says."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

from fedi.social.errors import Invalid

Kind = Literal["follows", "lists", "blocks", "mutes", "domains", "bookmarks"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MAX_LINES = 20_000  # of one list; Mastodon's
MAX_BYTES = 4_000_000
MAX_CELL = 2048  # characters

# As they are written. Those without a name for their columns have none there, either.
ADDRESS = "Account address"
HEADERS: Mapping[Kind, Sequence[str]] = {
    "follows": (ADDRESS, "Show boosts", "Notify on new posts", "Languages"),
    "mutes": (ADDRESS, "Hide notifications"),
}
FILES: Mapping[Kind, str] = {
    "follows": "following_accounts.csv",
    "lists": "lists.csv",
    "blocks": "blocked_accounts.csv",
    "mutes": "muted_accounts.csv",
    "domains": "blocked_domains.csv",
    "bookmarks": "bookmarks.csv",
}

# What a first line begins with that names columns, in any case, from whomever it is.
_NAMES = frozenset(
    {
        ADDRESS.lower(),
        "#account",
        "account",
        "#domain",
        "domain",
        "#uri",
        "uri",
        "list name",
        "list title",
    }
)
_TRUE = frozenset({"true", "1", "yes", "t"})

Entry = dict[str, Any]
"""`acct` (of a list with its `title`), `domain` or `uri`, and what else a line says of it."""


def read(kind: Kind, content: bytes) -> list[Entry]:
    """What a list says, each once.

    Args:
        kind: which list it is.
        content: CSV, with or without a line that names the columns.

    Raises:
        Invalid: it is no CSV, empty, or too long.
    """
    if len(content) > MAX_BYTES:
        raise Invalid(f"The list is too large: at most {MAX_BYTES // 1_000_000} MB.")
    try:
        text = content.decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text), strict=True) if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Invalid("That is no CSV file.") from error
    named: Sequence[str] = ()
    if rows and rows[0][0].strip().lower() in _NAMES:
        named = [name.strip().lower() for name in rows.pop(0)]
    if len(rows) > MAX_LINES:
        raise Invalid(f"The list is too long: at most {MAX_LINES} lines.")
    found: dict[str, Entry] = {}
    for row in rows:
        entry = _entry(kind, [cell.strip()[:MAX_CELL].replace("\0", "") for cell in row], named)
        found.setdefault(subject(entry), entry)
    found.pop("", None)
    if not found:
        raise Invalid("There is nothing in that list.")
    return list(found.values())


def subject(entry: Entry) -> str:
    """What a line is about."""
    if "title" in entry:
        return f"{entry['title']}: {entry['acct']}" if entry["title"] and entry["acct"] else ""
    return str(entry.get("acct") or entry.get("domain") or entry.get("uri") or "")


def _entry(kind: Kind, row: Sequence[str], named: Sequence[str]) -> Entry:
    first = row[0]
    if kind == "domains":
        return {"domain": first.lower()}
    if kind == "bookmarks":
        return {"uri": first}
    if kind == "lists":
        return {"title": " ".join(first.split()), "acct": _acct(row[1]) if row[1:] else ""}
    entry: Entry = {"acct": _acct(first)}
    cells = dict(zip(named, row, strict=False))
    for column, key, means in _OPTIONS.get(kind, ()):
        cell = cells.get(column.lower(), "")
        if cell:
            entry[key] = means(cell)
    return entry


def _acct(cell: str) -> str:
    return cell.lstrip("@").lower()


def _languages(cell: str) -> list[str]:
    return [code.strip() for code in cell.split(",") if code.strip()]


def _flag(cell: str) -> bool:
    return cell.lower() in _TRUE


_OPTIONS: Mapping[Kind, Sequence[tuple[str, str, Callable[[str], Any]]]] = {
    "follows": (
        ("Show boosts", "reblogs", _flag),
        ("Notify on new posts", "notify", _flag),
        ("Languages", "languages", _languages),
    ),
    "mutes": (("Hide notifications", "notifications", _flag),),
}


def written(rows: Sequence[Sequence[object]]) -> str:
    """Lines of a list."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([[_cell(cell) for cell in row] for row in rows])
    return out.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
