"""The sections about what is made here: pictures, and words about them."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from fedi.settings.section import Section


class PaintingSettings(Section):
    """How pictures are made."""

    model: str = Field(
        "",
        description="The model: a name from the catalogue, a hub id, or a folder. Empty: starter.",
    )
    local: bool = Field(
        True, description="Whether this machine paints; false waits for remote painters."
    )
    device: Literal["auto", "cuda", "mps", "cpu"] = Field(
        "auto", description="Where to paint: auto, cuda, mps or cpu."
    )
    endpoint: str = Field(
        "",
        description="An OpenAI-compatible images endpoint that paints instead of this machine, "
        "such as http://127.0.0.1:8000/v1 of a vLLM-Omni. Empty: none.",
    )
    endpoint_token: str = Field("", description="The token that the endpoint wants; empty: none.")
    endpoint_at_once: int = Field(
        4, ge=1, le=64, description="How many pictures the endpoint is asked for at once."
    )
    idle_exit_s: int = Field(
        600,
        ge=5,
        le=86400,
        description="How many idle seconds until the painter ends and frees the card.",
    )
    batch: int = Field(
        0,
        ge=0,
        le=16,
        description="How many pictures are painted at once at most; 0 decides by card and size.",
    )
    compile: bool = Field(
        True, description="Whether models are compiled on a card: slower to start, faster to paint."
    )
    fp8: bool = Field(
        False,
        description="Whether newer cards multiply in 8 bits (with easel[fp8]): faster, coarser.",
    )
    patience_s: float = Field(
        120.0,
        gt=0,
        le=86400,
        description="How many seconds a step of a usual model may take until its painter is ended.",
    )
    lease_s: int = Field(
        60,
        ge=2,
        le=3600,
        description="How many seconds without a sign of life until a picture is given to another.",
    )
    command: str = Field(
        "/imagine",
        max_length=30,
        description="What a post begins with that is painted from its own words; empty: nothing.",
    )
    max_steps: int = Field(60, ge=1, le=500, description="The most steps a request may ask for.")
    max_megapixels: float = Field(
        2.25, gt=0, le=64, description="The largest picture a request may ask for, in megapixels."
    )
    upscaler: str = Field(
        "auto",
        description="What makes pictures larger: a name from the catalogue, a hub id, or a folder. "
        '"auto" takes one that was pulled, else the small one that comes with Easel; "none" takes '
        "none.",
    )
    recogniser: str = Field(
        "auto",
        description="The model that sees what public pictures show, for the feed “For you”: a name "
        'from the catalogue, a hub id, or a folder. "auto" takes one that was pulled, "none" takes '
        "none: what pictures are about then say their tags and prompts.",
    )
    max_upscaled_megapixels: float = Field(
        16.8,
        gt=0,
        le=16.8,
        description="The largest picture after it was made larger, in megapixels.",
    )
    max_waiting: int = Field(
        20, ge=1, le=10000, description="How many pictures one account may have waiting."
    )
    max_per_hour: int = Field(
        120,
        ge=1,
        le=100000,
        description="How many pictures one account may ask for within an hour, cancelled ones too.",
    )
    max_inputs_mb: int = Field(
        200,
        ge=1,
        le=1_000_000,
        description="How many megabytes of pictures to begin with are kept for one account.",
    )
    inputs_days: int = Field(
        30,
        ge=0,
        le=3650,
        description="How many days such a picture is kept after it was last painted from.",
    )
    staff_weight: float = Field(
        2.0,
        ge=1,
        le=10,
        description="How many times an ordinary account's share moderators and admins get.",
    )
    blocked_words: list[str] = Field(
        [], description="Words and phrases; requests with one of them are refused."
    )
    sensitive_words: list[str] = Field(
        [],
        description="Words and phrases; pictures asked for with one of them are marked sensitive.",
    )

    @field_validator("command")
    @classmethod
    def _one_word(cls, value: str) -> str:
        if value != "".join(value.split()):
            raise ValueError("must be one word, such as /imagine")
        return value

    @field_validator("endpoint")
    @classmethod
    def _address_or_none(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("must be an address such as http://127.0.0.1:8000/v1")
        if "@" in parts.netloc:
            raise ValueError("must not hold the token: that is painting.endpoint_token")
        return value


class SafetySettings(Section):
    """What happens to finished pictures that not everybody should see. `easel models list` shows
    the classifiers; without one only the words above decide."""

    classifier: str = Field(
        "auto",
        description="The model that looks at each picture: a name from the catalogue, a hub id, or "
        'a folder. "auto" takes one that was pulled, "none" takes none.',
    )
    sensitive_at: float = Field(
        0.5,
        ge=0,
        le=1,
        description="From which score on, 0 to 1, a picture is marked sensitive; 0: never.",
    )
    review_at: float = Field(
        0.0,
        ge=0,
        le=1,
        description="From which score on it waits for a moderator (`easel review`); 0: never.",
    )
    refuse_at: float = Field(
        0.0, ge=0, le=1, description="From which score on it is not kept at all; 0: never."
    )
    review_unjudged: bool = Field(
        False,
        description="Whether pictures that no classifier looked at wait for a moderator; "
        "they do with one of the two above.",
    )


class WordsSettings(Section):
    """Help with words: descriptions of pictures, better prompts, titles and hashtags."""

    describer: str = Field(
        "auto",
        description="The model that describes pictures for those who cannot see them, where the "
        'author did not: a name from the catalogue, a hub id, or a folder. "auto" takes one that '
        'was pulled, "none" takes none.',
    )
    language_model: str = Field(
        "auto",
        description="The model that proposes prompts, titles and hashtags; chosen in the same way.",
    )
    max_per_hour: int = Field(
        60,
        ge=0,
        le=100000,
        description="How many proposals one account may ask for within an hour.",
    )
