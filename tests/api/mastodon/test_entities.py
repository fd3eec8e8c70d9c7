"""The entities have the shapes that Mastodon's description gives them, and that clients decode."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fedi.api.mastodon import entities
from fedi.api.mastodon.entities import Entity
from tests.api.mastodon import deviations

SHAPES: dict[str, Any] = json.loads(
    (Path(__file__).parent / "shapes.json").read_text(encoding="utf-8")
)["components"]["schemas"]
OURS = {
    deviations.NAMES.get(name, name): value
    for name in entities.__all__
    if isinstance(value := getattr(entities, name), type) and issubclass(value, Entity)
}
SHARED = sorted(OURS.keys() & SHAPES.keys())
_, COMPONENTS = msgspec.json.schema_components(list(OURS.values()))


def ours(name: str) -> dict[str, Any]:
    return COMPONENTS[OURS[name].__name__]  # type: ignore[no-any-return]


def kinds(schema: dict[str, Any], known: dict[str, Any], depth: int = 0) -> set[str]:
    """The JSON types that a property may have; of an array those of its items, too."""
    if "$ref" in schema:
        return kinds(known[schema["$ref"].rsplit("/", 1)[1]], known, depth)
    for some in ("anyOf", "oneOf"):
        if some in schema:
            return set().union(*(kinds(each, known, depth) for each in schema[some]))
    if "enum" in schema and "type" not in schema:
        return {"string" if isinstance(one, str) else "null" for one in schema["enum"]}
    named = schema.get("type", "object")
    found = set(named if isinstance(named, list) else [named])
    if "array" in found and depth == 0 and "items" in schema:
        found |= {f"of {kind}" for kind in kinds(schema["items"], known, 1)}
    return found


def choices(schema: dict[str, Any], known: dict[str, Any]) -> set[str] | None:
    """The words that a property may be; None where any will do."""
    if "$ref" in schema:
        return choices(known[schema["$ref"].rsplit("/", 1)[1]], known)
    for some in ("anyOf", "oneOf"):
        if some in schema:
            each = [choices(one, known) for one in schema[some] if one.get("type") != "null"]
            return None if None in each else set().union(*(one or set() for one in each))
    if "items" in schema:
        return choices(schema["items"], known)
    return {one for one in schema["enum"] if one is not None} if "enum" in schema else None


def test_every_entity_of_the_description_is_here_or_it_is_said_why_not() -> None:
    told = OURS.keys() | deviations.NOT_HERE.keys() | deviations.ELSEWHERE.keys()
    assert {name for name in SHAPES if not name.endswith("Enum")} - told == set()
    assert not (deviations.NOT_HERE.keys() | deviations.ELSEWHERE.keys()) & OURS.keys()


@pytest.mark.parametrize("name", SHARED)
def test_an_entity_has_all_that_the_description_requires_and_nothing_else(name: str) -> None:
    theirs, mine = SHAPES[name], ours(name)
    more = deviations.MORE.get(name, {}).keys()
    assert set(mine["properties"]) - set(theirs["properties"]) == set(more)
    always = {
        field.encode_name
        for field in msgspec.structs.fields(OURS[name])
        if field.default is not entities.UNSET
    }
    assert set(theirs.get("required", ())) <= always


@pytest.mark.parametrize("name", SHARED)
def test_a_property_has_the_type_and_the_words_of_the_description(name: str) -> None:
    theirs, mine = SHAPES[name]["properties"], ours(name)["properties"]
    for key in theirs.keys() & mine.keys():
        wide = kinds(theirs[key], SHAPES)
        if "number" in wide:
            wide.add("integer")
        assert kinds(mine[key], COMPONENTS) <= wide, key
        words = choices(theirs[key], SHAPES)
        if words is not None and key not in deviations.FREE.get(name, {}):
            spoken = choices(mine[key], COMPONENTS)
            assert spoken is not None and spoken <= words, key


# Ice Cubes and Tusky decode these strictly: null, or left out, and the whole answer is lost.
STRICT = {
    "Status": (
        "id account content created_at emojis reblogs_count favourites_count replies_count "
        "sensitive spoiler_text visibility media_attachments mentions tags"
    ),
    "Account": "id avatar header fields emojis locked bot created_at display_name note acct",
    "CredentialAccount": "source role avatar header fields emojis locked bot created_at",
    "Instance": "domain title version registrations thumbnail contact configuration",
    "Contact": "email",
    "Thumbnail": "url",
    "StatusLimits": "max_characters max_media_attachments",
    "PollLimits": "max_options max_characters_per_option min_expiration max_expiration",
}


@pytest.mark.parametrize("name", STRICT)
def test_what_strict_clients_need_is_never_null_and_always_there(name: str) -> None:
    mine = COMPONENTS[name]
    for key in STRICT[name].split():
        assert "null" not in kinds(mine["properties"][key], COMPONENTS), key
        assert key in mine["required"], key


def test_a_moment_has_milliseconds_and_is_in_utc() -> None:
    east = timezone(timedelta(hours=2))
    assert entities.moment(datetime(2026, 1, 2, 3, 4, 5, 67_890, east)) == (
        "2026-01-02T01:04:05.067Z"
    )
    assert entities.moment(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02T00:00:00.000Z"
    assert entities.day(datetime(2026, 1, 2, 1, tzinfo=east)) == "2026-01-01"
