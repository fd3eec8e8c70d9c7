"""The one inline @context that we publish, and content negotiation.

Everything is inline or one of the two contexts that every peer knows by heart (Mastodon wants
the ActivityStreams IRI as a plain string); nothing has to be fetched by anyone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

AS2 = "https://www.w3.org/ns/activitystreams"
SECURITY = "https://w3id.org/security/v1"
ACTIVITY_JSON = "application/activity+json"
LD_JSON = f'application/ld+json; profile="{AS2}"'
JRD_JSON = "application/jrd+json"
XRD_XML = "application/xrd+xml"
ACCEPT = f"{ACTIVITY_JSON}, {LD_JSON}"
"""What we ask other servers for."""

CONTEXT: list[Any] = [
    AS2,
    SECURITY,
    {
        "toot": "http://joinmastodon.org/ns#",
        # Mastodon's spelling of the schema.org namespace; PropertyValue is compared by it
        "schema": "http://schema.org#",
        "ostatus": "http://ostatus.org#",
        "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
        "manuallyApprovesFollowers": "as:manuallyApprovesFollowers",
        "sensitive": "as:sensitive",
        "Hashtag": "as:Hashtag",
        "movedTo": {"@id": "as:movedTo", "@type": "@id"},
        "alsoKnownAs": {"@id": "as:alsoKnownAs", "@type": "@id"},
        "conversation": "ostatus:conversation",
        "Emoji": "toot:Emoji",
        "featured": {"@id": "toot:featured", "@type": "@id"},
        "discoverable": "toot:discoverable",
        "indexable": "toot:indexable",
        "blurhash": "toot:blurhash",
        "focalPoint": {"@container": "@list", "@id": "toot:focalPoint"},
        "PropertyValue": "schema:PropertyValue",
        "value": "schema:value",
        # FEP-2c59
        "webfinger": "https://purl.archive.org/socialweb/webfinger#webfinger",
        # FEP-1311
        "digestMultibase": "https://w3id.org/security#digestMultibase",
        "size": "https://joinpeertube.org/ns#size",
        "digitalSourceType": {"@id": "https://schema.org/digitalSourceType", "@type": "@id"},
        "isBasedOn": {"@id": "https://schema.org/isBasedOn", "@type": "@id"},
        "license": "https://schema.org/license",
        # IPTC Photo Metadata Standard 2025.1
        "AISystemUsed": "Iptc4xmpExt:AISystemUsed",
        "AISystemVersionUsed": "Iptc4xmpExt:AISystemVersionUsed",
        "AIPromptInformation": "Iptc4xmpExt:AIPromptInformation",
    },
]


def with_context(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as it is published: our @context first, an older one replaced."""
    return {"@context": CONTEXT, **{k: v for k, v in document.items() if k != "@context"}}


def accepts_activity(accept: str | None) -> bool:
    """Whether a reader that sent this `Accept` header wants ActivityStreams rather than a page.

    The media type with the highest quality wins, and the first named among equals; plain
    `application/json` and `application/ld+json` count as ActivityStreams (AndStatus and curl
    users send them), wildcards alone do not.
    """
    raise NotImplementedError


def is_activity_type(content_type: str | None) -> bool:
    """Whether a body of this content type may be believed to be ActivityStreams.

    Strict: `application/activity+json`, or `application/ld+json` with the AS2 profile. Anything
    else could be a file that somebody uploaded (GHSA-jhrq-qvrm-qr36).
    """
    raise NotImplementedError
