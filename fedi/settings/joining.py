"""The sections about who may come, and about mail."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from activitypub.origin import authority
from fedi.settings.section import Section


class RegistrationSettings(Section):
    """Who may make an account."""

    mode: Literal["closed", "approval", "invite", "open"] = Field(
        "closed",
        description='Who may make an account: nobody ("closed"), who is let in by a moderator or '
        'has an invitation ("approval"), who has an invitation ("invite"), or everybody ("open").',
    )
    reason_required: bool = Field(
        True, description='Whether who asks has to say why, where the mode is "approval".'
    )
    minimum_age: int = Field(
        0, ge=0, le=120, description="How old people must be, in years; 0 does not ask."
    )
    blocked_email_domains: list[str] = Field(
        [],
        description="Domains whose email addresses may not be used, and what lies below them; "
        "moderators can add to them.",
    )
    reserved_names: list[str] = Field(
        [], description="Names that nobody may choose, besides those that Easel keeps itself."
    )

    @field_validator("blocked_email_domains")
    @classmethod
    def _domains_only(cls, value: list[str]) -> list[str]:
        names = [authority(entry.strip().removeprefix("@")) for entry in value]
        for entry, name in zip(value, names, strict=True):
            if name is None:
                raise ValueError(f"{entry} is no domain, such as spam.example")
        return [name for name in names if name is not None]

    @field_validator("reserved_names")
    @classmethod
    def _lower(cls, value: list[str]) -> list[str]:
        return [name.strip().lower() for name in value]


class MailSettings(Section):
    """How mail is sent: by a server that speaks SMTP. Without one it is written into the log."""

    host: str = Field("", description="The name of the server; empty: mail goes into the log.")
    port: int = Field(587, ge=1, le=65535, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description='How the connection is protected: "starttls" (port 587), "tls" (port 465), or '
        '"none", only for a server on the same machine.',
    )
    user: str = Field("", description="The name to sign in there with; empty: without.")
    password: str = Field("", description="The password for it.")
    sender: str = Field("", description="The address that mail is from, such as easel@example.org.")
    timeout_s: float = Field(
        20.0, gt=0, le=120, description="How many seconds the server has to answer."
    )

    @field_validator("host", "user", "password", "sender")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("must be on one line")
        return value.strip()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.host and ("@" not in self.sender or " " in self.sender):
            raise ValueError("sender must be an email address where there is a host")
        return self
