"""The section about what people find."""

from __future__ import annotations

from pydantic import Field

from fedi.settings.section import Section


class TrendsSettings(Section):
    """What many people do something with these days: on Explore, and in apps."""

    review: bool = Field(
        False,
        description="Whether something is only shown among what trends once a moderator approved "
        "it; else it is shown until one rejects it.",
    )
