"""What the files of a post's pictures say of themselves, in words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fedi.database.tables import MediaAttachment
from fedi.social.posts import Post
from fedi.studio.remote_files import claims
from fedi.studio.remote_files.gallery import Gallery
from fedi.studio.testimony import Heard
from fedi.web.views.links import excerpt
from generation import provenance, statements
from generation.statements import Statement

PROMPT_LENGTH = 4000  # characters of a prompt that are shown
NAME_LENGTH = 200
HASH_LENGTH = 10  # as many as A1111 shows of a model's

_HASH = re.compile("[0-9a-f]{32,64}")

# Of what a file from elsewhere is said to be, by the end of its digital source type.
_MADE = {
    "trainedAlgorithmicMedia": "AI, from words",
    "compositeWithTrainedAlgorithmicMedia": "AI, over another picture",
    "algorithmicallyEnhanced": "somebody, and enhanced with AI",
    "compositeSynthetic": "AI, in part",
    "digitalCapture": "a camera",
    "computationalCapture": "a camera",
    "digitalCreation": "somebody, by hand",
    "humanEdits": "somebody, by hand",
}
_TRAINING = {"allowed": "Allowed", "notAllowed": "Not allowed", "constrained": "On conditions"}


@dataclass(frozen=True, slots=True)
class Said:
    """One file's words.

    `seal` says whether a signature holds, `mark` how that is drawn: holds, broken, or open where
    nobody can tell. `host` is where the file is from, empty for ours.
    """

    number: int
    seal: str
    mark: str
    facts: list[tuple[str, str]]
    prompt: str
    host: str


def of(post: Post, gallery: Gallery, heard: Heard) -> list[Said]:
    """What the files of a post say that say anything; of those painted here, in any case."""
    shown = post.reblog or post
    return [
        found
        for number, medium in enumerate(shown.media, 1)
        if (found := _of_medium(number, medium, gallery, heard)) is not None
    ]


def _of_medium(number: int, medium: MediaAttachment, gallery: Gallery, heard: Heard) -> Said | None:
    claim = claims.of_media(medium)
    framed = None if medium.file else gallery.find(claim)
    statement = heard.get(medium.file or (framed.file if framed else ""))
    if statement is None:
        return None
    manifest, label = statement.manifest, statement.label
    if manifest.state == "none" and not label.source_type and medium.painting_id is None:
        return None
    here = gallery.instance.domain
    holds = manifest.state == "valid" and bool(manifest.vouched)
    broken = manifest.state in {"altered", "refused", "damaged"} or statement.stripped
    return Said(
        number=number,
        seal=statements.sentence(statement, here),
        mark="holds" if holds else "broken" if broken else "open",
        facts=_facts(statement),
        prompt=excerpt(
            statement.said.ai_prompt or statement.said.prompt or manifest.prompt,
            PROMPT_LENGTH,
            keep_lines=True,
        ),
        host=claim.host if claim and not medium.file else "",
    )


def _facts(statement: Statement) -> list[tuple[str, str]]:
    said, manifest, label = statement.said, statement.manifest, statement.label
    kind = label.source_type.rpartition("/")[2]
    training = manifest.training or {
        provenance.NO_TRAINING: "notAllowed",
        provenance.MINING_ALLOWED: "allowed",
    }.get(said.mining, "")
    settings = [f"{name} {said.fields[name]}" for name in ("Seed", "Steps") if name in said.fields]
    facts = [
        ("Made by", _MADE.get(kind, kind)),
        ("Model", f"{label.system} {_version(label.version)}".strip()),
        ("With", said.software or manifest.software),
        ("For", said.creator),
        ("Settings", ", ".join(settings)),
        ("Made from", said.source or ", ".join(manifest.parents)),
        ("Training", _TRAINING.get(training, "")),
    ]
    return [(name, excerpt(value, NAME_LENGTH)) for name, value in facts if value]


def _version(version: str) -> str:
    """A version, or the beginning of a hash."""
    return version[:HASH_LENGTH] if _HASH.fullmatch(version) else version
