"""The section about the assistant."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from fedi.settings.section import Section


class AssistantSettings(Section):
    """An account that paints what people ask it for in their posts, in any thread."""

    enabled: bool = Field(False, description="Whether there is one.")
    name: str = Field("imagine", description="Its name: people write @imagine a red boat.")
    callers: Literal["nobody", "local", "followers", "anyone"] = Field(
        "local",
        description='Who may ask: nobody for now ("nobody"), people of this instance ("local"), '
        'those who follow somebody here as well ("followers"), or everybody ("anyone").',
    )
    per_account: int = Field(
        20, ge=0, le=10_000, description="How often one account may ask within a day."
    )
    per_server: int = Field(
        200,
        ge=0,
        le=100_000,
        description="How often all people of another domain together may ask within a day.",
    )

    @field_validator("name")
    @classmethod
    def _a_name(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z0-9_]{1,30}", value):
            raise ValueError("must be 1 to 30 of the letters a–z, digits and _")
        return value
