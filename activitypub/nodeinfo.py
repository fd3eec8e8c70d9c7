"""NodeInfo 2.0 and 2.1: what a server tells about itself (FEP-f1d5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from activitypub.errors import Malformed
from activitypub.objects import values

SCHEMA = "http://nodeinfo.diaspora.software/ns/schema/"
VERSIONS = ("2.0", "2.1")

SOFTWARE_LIMIT = 256
"""Characters kept of another server's software name and version."""


class NodeInfo(Struct, frozen=True, kw_only=True):
    """What we say of ourselves, or what another server says. Counts are of local accounts and
    posts; None leaves them out. `content_credentials` is the address of the certificate that
    vouches for signatures in pictures (C2PA). `upstream` is the software whose API for apps the
    server speaks: apps built on megalodon turn away from what they do not know by its own name."""

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
    content_credentials: str | None = None
    upstream: str | None = None

    @classmethod
    def parse(cls, document: Any) -> NodeInfo:
        """Read a document of any 2.x version. Raises `Malformed` without a software name."""
        software = _part(document, "software")
        usage = _part(document, "usage")
        users = _part(usage, "users")
        metadata = _part(document, "metadata")
        name = values.text(software.get("name"), SOFTWARE_LIMIT)
        if not name:
            raise Malformed("The NodeInfo document names no software.")
        return cls(
            software=name,
            version=values.text(software.get("version"), SOFTWARE_LIMIT) or "",
            repository=values.web_uri(software.get("repository")),
            homepage=values.web_uri(software.get("homepage")),
            open_registrations=bool(values.boolean(_part(document).get("openRegistrations"))),
            users_total=values.integer(users.get("total")),
            users_active_month=values.integer(users.get("activeMonth")),
            users_active_half_year=values.integer(users.get("activeHalfyear")),
            local_posts=values.integer(usage.get("localPosts")),
            name=values.text(metadata.get("nodeName"), values.NAME_LIMIT),
            description=values.text(metadata.get("nodeDescription"), values.NAME_LIMIT),
            content_credentials=values.web_uri(metadata.get("contentCredentials")),
            upstream=values.text(_part(metadata, "upstream").get("name"), SOFTWARE_LIMIT),
        )

    def document(self, version: str) -> dict[str, Any]:
        """The document of version `2.0` or `2.1`; raises `ValueError` for another."""
        if version not in VERSIONS:
            raise ValueError(f"There is no NodeInfo {version} here.")
        software = {"name": self.software, "version": self.version}
        if version == "2.1":  # the schema of 2.0 allows no other property
            software |= values.compact({"repository": self.repository, "homepage": self.homepage})
        users = {
            "total": self.users_total,
            "activeMonth": self.users_active_month,
            "activeHalfyear": self.users_active_half_year,
        }
        return {
            "version": version,
            "software": software,
            "protocols": ["activitypub"],
            "services": {"inbound": [], "outbound": []},
            "openRegistrations": self.open_registrations,
            "usage": values.compact(
                {"users": values.compact(users), "localPosts": self.local_posts}
            ),
            "metadata": values.compact(
                {
                    "nodeName": self.name,
                    "nodeDescription": self.description,
                    "contentCredentials": self.content_credentials,
                    "upstream": {"name": self.upstream} if self.upstream else None,
                }
            ),
        }


def discovery(base_url: str) -> dict[str, Any]:
    """The JRD of `/.well-known/nodeinfo`, pointing to `{base_url}/nodeinfo/2.0` and `/2.1`."""
    return {
        "links": [
            {"rel": f"{SCHEMA}{version}", "href": f"{base_url}/nodeinfo/{version}"}
            for version in reversed(VERSIONS)
        ]
    }


def content_type(version: str) -> str:
    """The content type of a document of this version, with its schema as profile."""
    return f'application/json; profile="{SCHEMA}{version}#"'


def parse_discovery(jrd: Any) -> str | None:
    """The address of the newest 2.x document that a discovery document names."""
    found: dict[str, str] = {}
    for link in values.entries(_part(jrd).get("links"), 20):
        if isinstance(link, Mapping) and (href := values.web_uri(link.get("href"))):
            rel = link.get("rel")
            if isinstance(rel, str) and rel.startswith(f"{SCHEMA}2."):
                found[rel] = href
    return found[max(found)] if found else None


def _part(document: Any, name: str | None = None) -> Mapping[str, Any]:
    part = document
    if name is not None:
        part = document.get(name) if isinstance(document, Mapping) else None
    return part if isinstance(part, Mapping) else {}
