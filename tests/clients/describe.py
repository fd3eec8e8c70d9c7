"""Takes from Mastodon's description of its API what is no prose: names, types and choices.

    EASEL_MASTODON_OPENAPI=mastodon-openapi.json python -m tests.clients.describe

writes `operations.json` anew. The description itself (GFDL) is not part of Easel.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

OPERATIONS = Path(__file__).parent / "operations.json"
SHAPES = Path(__file__).parents[1] / "api/mastodon/shapes.json"
METHODS = ("get", "post", "put", "patch", "delete")

# Of a schema, what says which values are good.
KEPT = frozenset(
    {
        "$ref", "additionalProperties", "allOf", "anyOf", "const", "enum", "format", "items",
        "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum", "oneOf",
        "properties", "required", "type",
    }
)  # fmt: skip


def shape(schema: Any) -> Any:
    """A schema without its words."""
    if isinstance(schema, list):
        return [shape(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: held for name, held in schema.items() if name in KEPT}
    if "properties" in kept:
        properties = kept.pop("properties")
        return {
            **{name: shape(held) for name, held in kept.items()},
            "properties": {name: shape(held) for name, held in properties.items()},
        }
    return {
        name: held if name in {"enum", "required"} else shape(held) for name, held in kept.items()
    }


def operation(described: dict[str, Any], shared: list[Any]) -> dict[str, Any]:
    """What is sent, and what comes back."""
    found: dict[str, Any] = {}
    for parameter in (*shared, *described.get("parameters", ())):
        if parameter["in"] != "header":
            told = {"schema": shape(parameter["schema"])}
            told |= {key: parameter[key] for key in ("style", "explode") if key in parameter}
            if parameter.get("required") and parameter["in"] != "path":
                told["required"] = True
            found.setdefault(parameter["in"], {})[parameter["name"]] = told
    for media_type, content in described.get("requestBody", {}).get("content", {}).items():
        found.setdefault("body", {})[media_type] = shape(content["schema"])
    for status, answer in described["responses"].items():
        if not status.startswith("2"):
            continue  # refusals are alike everywhere
        content = answer.get("content", {})
        schemas = {kind: shape(held.get("schema", {})) for kind, held in content.items()}
        found.setdefault("answers", {})[status] = schemas
    return found


def main() -> None:
    source = Path(os.environ["EASEL_MASTODON_OPENAPI"])
    document = json.loads(source.read_text(encoding="utf-8"))
    found = {
        f"{method.upper()} {path}": operation(entry[method], entry.get("parameters", []))
        for path, entry in document["paths"].items()
        for method in METHODS
        if method in entry
    }
    lines = [f"{json.dumps(name)}: {json.dumps(held)}" for name, held in sorted(found.items())]
    OPERATIONS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
