"""Paintings as the studio shows them to whoever asked for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from fedi.database.tables import MediaAttachment, Painting
from fedi.social.posts import Post
from fedi.studio import paintings
from fedi.studio.remote_files.gallery import Gallery
from fedi.studio.standing import Position
from fedi.web import shapes
from fedi.web.views import pictures
from fedi.web.views.links import excerpt
from fedi.web.views.pictures import Picture
from generation.recipe import Recipe

WAITS = frozenset({paintings.QUEUED, paintings.PAINTING})
ENDED = {
    paintings.REVIEW: "Held",
    paintings.FAILED: "Failed",
    paintings.CANCELLED: "Stopped",
}
TITLE = 80  # characters of a prompt that name its picture
NOBODY = "No painter is here just now. It is painted when one comes."


@dataclass(frozen=True, slots=True)
class Sketch:
    """A painting, small: in the list of what one has, or among those that were asked for together.

    `state` is that of the painting, or `posted`. `ratio` is the shape that the picture has, or will
    have. `line` says where it stands.
    """

    id: str
    href: str
    title: str
    state: str
    line: str
    ratio: int
    step: int
    steps: int
    picture: Picture | None = None

    @property
    def waits(self) -> bool:
        return self.state in WAITS

    @property
    def ended(self) -> str:
        """How it ended, in a word, where there is no picture to see."""
        return ENDED.get(self.state, "")

    @property
    def brief(self) -> str:
        """Where it stands, on a tile that holds few words."""
        if self.state == paintings.REVIEW:
            return "A moderator looks at it."
        return "It waits." if self.line == NOBODY else self.line


def sketch(
    painting: Painting,
    medium: MediaAttachment | None,
    gallery: Gallery,
    where: Position | None = None,
    *,
    anybody: bool = True,
) -> Sketch:
    """A painting, small.

    Args:
        medium: its picture, if that is there.
        where: it stands in the queue, if that is to be said.
        anybody: whether a painter is here.
    """
    picture = None if medium is None else pictures.picture(medium, False, gallery)
    posted = medium is not None and medium.status_id is not None
    width, height = painting.recipe.get("width"), painting.recipe.get("height")
    return Sketch(
        id=str(painting.id),
        href=f"/studio/{painting.id}",
        title=excerpt(painting.recipe.get("prompt", ""), TITLE),
        state="posted" if posted else painting.state,
        line=line(painting, where, anybody=anybody),
        ratio=picture.ratio if picture else shapes.ratio(width, height),
        step=painting.step,
        steps=painting.steps,
        picture=picture,
    )


def line(painting: Painting, where: Position | None, *, anybody: bool = True) -> str:
    """Where a painting stands, in a sentence or two."""
    match painting.state:
        case paintings.QUEUED:
            if not anybody:
                return NOBODY
            if where is None:
                return "It waits."
            ahead = where.ahead
            before = (
                f"{ahead} picture{'' if ahead == 1 else 's'} before it." if ahead else "It is next."
            )
            return f"{before} {left(where)}".strip()
        case paintings.PAINTING:
            step = f"Step {painting.step} of {painting.steps}." if painting.step else "Beginning."
            return f"{step} {left(where)}".strip()
        case paintings.REVIEW:
            return "It is painted. A moderator looks at it before it is shown."
        case paintings.FAILED:
            return painting.error or "It could not be painted."
        case paintings.CANCELLED:
            return "Stopped."
    return "Done."


def left(where: Position | None) -> str:
    """How long it may take, in a sentence; empty if nothing is known."""
    if where is None or where.seconds is None:
        return ""
    seconds = max(1, ceil(where.seconds))
    number, unit = (seconds, "second") if seconds < 90 else (round(seconds / 60), "minute")
    return f"About {number} {unit}{'' if number == 1 else 's'}."


def facts(recipe: Mapping[str, object], model: str) -> list[tuple[str, str]]:
    """What a recipe says beside its words, as people read it.

    Args:
        model: what painted it, or will.
    """
    asked = Recipe.from_document(dict(recipe))
    size = f"{asked.width} × {asked.height}" if asked.width and asked.height else ""
    loras = ", ".join(f"{lora.name} ({lora.weight:g})" for lora in asked.loras)
    begins = "inside a mask" if asked.mask else "from a picture" if asked.source else ""
    found = [
        ("Without", asked.negative_prompt),
        ("Model", model),
        ("Seed", "" if asked.seed is None else str(asked.seed)),
        ("Size", size),
        ("Steps", str(asked.steps or "")),
        ("Guidance", "" if asked.guidance is None else f"{asked.guidance:g}"),
        ("LoRAs", loras),
        ("Begun", begins),
        ("Strength", f"{asked.strength:g}" if asked.strength is not None else ""),
        ("Made larger", f"× {asked.upscale}" if asked.upscale else ""),
    ]
    return [(name, text) for name, text in found if text]


@dataclass(frozen=True, slots=True)
class About:
    """A post that a picture is made of, or that is answered."""

    id: str
    href: str
    author: str
    words: str
    picture: Picture | None


def about(post: Post, gallery: Gallery) -> About:
    """Another's post, in a few words."""
    shown = post.reblog or post
    first: Sequence[MediaAttachment] = [one for one in shown.media if one.type == "image"][:1]
    hidden = shown.status.sensitive
    return About(
        id=str(shown.status.id),
        href=shown.status.url or shown.status.uri,
        author=f"@{shown.account.acct}",
        words=excerpt(shown.status.spoiler_text or shown.status.source, TITLE),
        picture=None if hidden or not first else pictures.picture(first[0], False, gallery),
    )
