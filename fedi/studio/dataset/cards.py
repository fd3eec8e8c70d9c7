"""The card of a dataset, as the Hugging Face Hub reads it: what is in it, and on what terms."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fedi.database.tables import DatasetExport
from fedi.settings import InstanceSettings
from fedi.social.training.choices import TRAINING_ALONE

NAME = "README.md"
# The Hub's `size_categories`, and below which number of samples each holds.
SIZES = (
    (1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"),
)  # fmt: skip
LARGEST = "1M<n<10M"


@dataclass(slots=True)
class Contents:
    """What is in a dataset, counted while it is written."""

    samples: int = 0
    licences: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    recipes: int = 0

    def count(self, document: Mapping[str, Any]) -> None:
        """One sample."""
        self.samples += 1
        self.licences[document["licence"]] += 1
        self.recipes += document["recipe"] is not None
        if document["language"]:
            self.languages[document["language"]] += 1


def withdrawals(instance: InstanceSettings, export: DatasetExport) -> str:
    """Where the list is of what was taken back since an export."""
    return f"{instance.url}/api/easel/v1/dataset/withdrawn?since={export.id}"


def card(instance: InstanceSettings, export: DatasetExport, contents: Contents) -> str:
    """The card, with its front matter."""
    licences = [f"| `{name}` | {count} |" for name, count in sorted(contents.licences.items())]
    made = f"{export.created_at:%Y-%m-%d}"
    lines = [
        "---",
        f"pretty_name: {_quoted(f'Pictures of {instance.name}')}",
        "license: other",
        "license_name: per-picture",
        f"license_link: {_quoted(NAME)}",
        f"size_categories: [{_quoted(_size(contents.samples))}]",
        "task_categories: [text-to-image, image-to-text]",
        f"language: [{', '.join(map(_quoted, sorted(contents.languages)))}]",
        "tags: [webdataset, image, ai-generated, consented]",
        "configs:",
        "- config_name: default",
        "  data_files:",
        "  - split: train",
        '    path: "train-*.tar"',
        "---",
        "",
        f"# Pictures of {_plain(instance.name)}",
        "",
        f"{contents.samples} pictures that were made with AI or uploaded at {instance.url}, each",
        "with the consent of its author to be trained on. Nobody is in it who did not say yes, and",
        "nothing that was not for everybody to see.",
        "",
        f"Made on {made} as export {export.id}"
        + (f" for {_plain(export.recipient)}" if export.recipient else "")
        + f": {_plain(export.purpose)}",
        "",
        "## What may be withdrawn",
        "",
        "Authors may take their consent back at any time. Before each use, read the signed list of",
        f"what was withdrawn since, and leave those keys out: <{withdrawals(instance, export)}>",
        "",
        "## Terms",
        "",
        "The licence of each picture stands in its JSON.",
        "",
        "| licence | pictures |",
        "|---|---|",
        *licences,
        "",
        f"`{TRAINING_ALONE}`: the picture may be used to train and to evaluate models, and",
        "for nothing else. Who asked not to be named has a pseudonym, and is not to be found out.",
        "",
        "## Layout",
        "",
        "WebDataset shards: for each key a picture and a JSON with its description, model, prompt",
        f"and recipe where the author shares them ({contents.recipes} of {contents.samples}),",
        "reactions, licence, consent and safety label. `manifest.json` has the SHA-256 of each.",
        "",
        "Posts that are sensitive or have a warning are "
        + ("among them, and say so." if export.sensitive else "left out."),
        "",
    ]
    return "\n".join(lines)


def _size(samples: int) -> str:
    return next((name for below, name in SIZES if samples < below), LARGEST)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # JSON's strings are YAML's, too


def _plain(text: str) -> str:
    return " ".join(text.split())
