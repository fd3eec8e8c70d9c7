"""NodeInfo 2.0 and 2.1: what a server tells about itself."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

SCHEMA = "http://nodeinfo.diaspora.software/ns/schema/"


class NodeInfo(Struct, frozen=True, kw_only=True):
    """What we say of ourselves, or what another server says. Counts are of local accounts and
    posts; None leaves them out."""

    software: str
    version: str
    repository: str | None = None
    homepage: str | None = None
    open_registrations: bool = False
    users_total: int | None = None
    users_active_month: int | None = None
    users_active_half_year: int | None = None
    local_posts: int | None = None
    name: str | None = None
    description: str | None = None

    @classmethod
    def parse(cls, document: Any) -> NodeInfo:
        """Read a document of any 2.x version. Raises `Malformed` without a software name."""
        raise NotImplementedError

    def document(self, version: str) -> dict[str, Any]:
        """The document of version `2.0` or `2.1`; raises `ValueError` for another."""
        raise NotImplementedError


def discovery(base_url: str) -> dict[str, Any]:
    """The JRD of `/.well-known/nodeinfo`, pointing to `{base_url}/nodeinfo/2.0` and `/2.1`."""
    raise NotImplementedError


def content_type(version: str) -> str:
    """The content type of a document of this version, with its schema as profile."""
    raise NotImplementedError


def parse_discovery(jrd: Any) -> str | None:
    """The address of the newest 2.x document that a discovery document names."""
    raise NotImplementedError
