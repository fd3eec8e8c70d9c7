"""The sections about the server itself: who it is, where it stores, whom it talks to."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from activitypub.origin import authority
from fedi.settings.section import Section

PAPERS = ("about", "privacy_policy", "terms_of_service")  # settings that name a file


class InstanceSettings(Section):
    """Who this instance is."""

    url: str = Field(
        "http://localhost:8000",
        description="The public address of this instance. Never change it after the first follow.",
    )
    name: str = Field("Easel", description="The name of this instance, as people see it.")
    description: str = Field(
        "A place for pictures made with words.",
        description="One or two sentences about this instance.",
    )
    contact: str = Field("", description="An email address for questions; empty shows none.")
    about: str = Field(
        "", description="A Markdown file that says more about this instance; empty: none."
    )
    privacy_policy: str = Field(
        "", description="A Markdown file with the privacy policy; empty: none."
    )
    terms_of_service: str = Field(
        "", description="A Markdown file with the terms of service; empty: none."
    )

    training_crawlers: bool = Field(
        False,
        description="Whether robots.txt lets programs in that gather training data.",
    )
    link_previews: bool = Field(
        True,
        description="Whether pages that public posts link to are visited once, to show their title "
        "and picture below the post; and those that profiles of other servers name, to see whether "
        "they name them back.",
    )

    @field_validator("url")
    @classmethod
    def _origin_only(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an address such as https://easel.example")
        parts.port  # noqa: B018  (raises ValueError where it is none)
        if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username:
            raise ValueError("must be a bare address without a path, such as https://easel.example")
        return f"{parts.scheme}://{parts.netloc.lower()}"

    @property
    def domain(self) -> str:
        """The host (and port, if not the scheme's own) that handles end with."""
        return _domain(self.url)

    @property
    def secure(self) -> bool:
        return self.url.startswith("https://")


@lru_cache(maxsize=64)  # asked for with nearly every request
def _domain(url: str) -> str:
    parts = urlsplit(url)
    assert parts.hostname is not None
    default = {"http": 80, "https": 443}[parts.scheme]
    if parts.port is None or parts.port == default:
        return parts.hostname
    return f"{parts.hostname}:{parts.port}"


class ServerSettings(Section):
    """Where the server listens."""

    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="The port to listen on.")
    trusted_proxies: str = Field(
        "127.0.0.1",
        description="Addresses whose X-Forwarded-For is believed, separated by commas.",
    )
    api_requests: int = Field(
        1500,
        ge=10,
        le=1_000_000,
        description="How many requests the apps of one account may make in five minutes, as on "
        "Mastodon. An address without an account may make a fifth of them.",
    )


class DatabaseSettings(Section):
    """Where everything is stored."""

    url: str = Field(
        "sqlite:///data/easel.db",
        description="sqlite:///FILE, or postgresql://USER:PASSWORD@HOST/NAME for large instances.",
    )
    synchronous: Literal["normal", "full"] = Field(
        "normal",
        description='SQLite only: "full" also survives a power cut without losing the last second.',
    )
    pool_size: int = Field(
        8, ge=1, le=100, description="How many connections are kept open for reading."
    )


class MediaSettings(Section):
    """Where pictures are stored, and what may be uploaded."""

    folder: Path = Field(Path("data/media"), description="The folder for pictures.")
    max_upload_mb: int = Field(16, ge=1, le=100, description="The largest upload, in megabytes.")
    max_megapixels: int = Field(
        33, ge=1, le=200, description="The largest picture that is decoded, in megapixels."
    )
    remote: Literal["view", "arrival"] = Field(
        "view",
        description="When pictures of other servers are fetched: when somebody here sees them "
        '("view"), or as soon as they arrive ("arrival").',
    )
    remote_cache_mb: int = Field(
        5000,
        ge=10,
        le=10_000_000,
        description="How many megabytes of pictures of other servers are kept. What was not seen "
        "for the longest time goes first, and is fetched again when somebody wants to see it.",
    )


class FederationSettings(Section):
    """How this instance talks to others."""

    enabled: bool = Field(True, description="Whether to talk to other servers at all.")
    mode: Literal["open", "limited"] = Field(
        "open",
        description='"limited" talks only to those that `easel domain allow` names.',
    )
    reject: list[str] = Field(
        [],
        description="Domains that nothing is taken from, nor sent to. In this list and the next "
        "three what lies below a domain is meant, too; what `easel domain` makes of such a domain "
        "holds until the next start.",
    )
    silence: list[str] = Field(
        [], description="Domains whose people are only shown to those who follow them."
    )
    reject_media: list[str] = Field([], description="Domains whose pictures are not shown.")
    reject_reports: list[str] = Field([], description="Domains whose reports are not heard.")
    authorized_fetch: bool = Field(
        False,
        description="Whether other servers must sign when they read posts and people.",
    )
    allow_private_addresses: bool = Field(
        False,
        description="Whether servers on private addresses may be reached. Only for trying things.",
    )
    timeout_s: float = Field(
        10.0, gt=0, le=120, description="How many seconds another server has to answer."
    )
    max_inbox_kb: int = Field(
        1024, ge=16, le=16384, description="The largest activity accepted, in kilobytes."
    )
    relayed_days: int = Field(
        90,
        ge=0,
        le=36500,
        description="After how many days a post goes that only a relay told of, if nobody here has "
        "to do with it; it is fetched again when somebody asks for it. 0 keeps them all.",
    )
    new_hosts_per_minute: int = Field(
        100,
        ge=1,
        le=100_000,
        description="How many servers that were never heard of may come in a minute. Five times "
        "as many may come at once, and a tenth of them from below one domain.",
    )
    deliveries_at_once: int = Field(
        64, ge=1, le=1000, description="How many deliveries are under way at once."
    )

    @field_validator("reject", "silence", "reject_media", "reject_reports")
    @classmethod
    def _domains_only(cls, value: list[str]) -> list[str]:
        names = [authority(entry.strip()) for entry in value]
        for entry, name in zip(value, names, strict=True):
            if name is None:
                raise ValueError(f"{entry} is no domain, such as spam.example")
        return [name for name in names if name is not None]


class LogSettings(Section):
    """What is written down."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="How much is written: debug, info, warning or error."
    )
    format: Literal["auto", "text", "json"] = Field(
        "auto", description="text for people, json for machines, auto picks by the terminal."
    )
