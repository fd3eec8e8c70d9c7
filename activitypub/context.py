"""The one inline @context that we publish, and content negotiation.

Everything is inline or one of the two contexts that every peer knows by heart (Mastodon wants
the ActivityStreams IRI as a plain string); nothing has to be fetched by anyone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

AS2 = "https://www.w3.org/ns/activitystreams"
SECURITY = "https://w3id.org/security/v1"
ACTIVITY_JSON = "application/activity+json"
LD_JSON = f'application/ld+json; profile="{AS2}"'
JRD_JSON = "application/jrd+json"
XRD_XML = "application/xrd+xml"
ACCEPT = f"{ACTIVITY_JSON}, {LD_JSON}"
"""What we ask other servers for."""

HEADER_LIMIT = 4096
"""Characters read of an Accept or Content-Type header."""

TERMS_LIMIT = 50
"""Terms that an author may add to our @context."""

_TERM = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_MEANING = re.compile(r"(?:https?://[^/\x00-\x20\"<>]+/|urn:)[^\x00-\x20\"<>]{0,255}")

OURS = ("https://www.w3.org/", "http://www.w3.org/", "https://w3id.org/", "http://w3id.org/")
"""Where the words are defined that decide who says what, and by which key."""

_ACTIVITY_LIKE = frozenset({ACTIVITY_JSON, "application/ld+json", "application/json"})
_PAGE_LIKE = frozenset({"text/html", "application/xhtml+xml"})

CONTEXT: list[Any] = [
    AS2,
    SECURITY,
    {
        "toot": "http://joinmastodon.org/ns#",
        # Mastodon's spelling of the schema.org namespace; PropertyValue is compared by it
        "schema": "http://schema.org#",
        "ostatus": "http://ostatus.org#",
        "gts": "https://gotosocial.org/ns#",
        "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
        "manuallyApprovesFollowers": "as:manuallyApprovesFollowers",
        "sensitive": "as:sensitive",
        "Hashtag": "as:Hashtag",
        "movedTo": {"@id": "as:movedTo", "@type": "@id"},
        "alsoKnownAs": {"@id": "as:alsoKnownAs", "@type": "@id"},
        "conversation": "ostatus:conversation",
        "Emoji": "toot:Emoji",
        "featured": {"@id": "toot:featured", "@type": "@id"},
        "featuredTags": {"@id": "toot:featuredTags", "@type": "@id"},
        "discoverable": "toot:discoverable",
        "indexable": "toot:indexable",  # FEP-5feb
        "suspended": "toot:suspended",
        "attributionDomains": {"@id": "toot:attributionDomains", "@type": "@id"},
        "blurhash": "toot:blurhash",
        "votersCount": "toot:votersCount",
        "focalPoint": {"@container": "@list", "@id": "toot:focalPoint"},
        "PropertyValue": "schema:PropertyValue",
        "value": "schema:value",
        # FEP-044f, with the shape of policies from GoToSocial
        "QuoteAuthorization": "https://w3id.org/fep/044f#QuoteAuthorization",
        "QuoteRequest": "https://w3id.org/fep/044f#QuoteRequest",
        "quote": {"@id": "https://w3id.org/fep/044f#quote", "@type": "@id"},
        "quoteAuthorization": {
            "@id": "https://w3id.org/fep/044f#quoteAuthorization",
            "@type": "@id",
        },
        "interactionPolicy": {"@id": "gts:interactionPolicy", "@type": "@id"},
        "canQuote": {"@id": "gts:canQuote", "@type": "@id"},
        "automaticApproval": {"@id": "gts:automaticApproval", "@type": "@id"},
        "manualApproval": {"@id": "gts:manualApproval", "@type": "@id"},
        "approvedBy": {"@id": "gts:approvedBy", "@type": "@id"},
        "interactingObject": {"@id": "gts:interactingObject", "@type": "@id"},
        "interactionTarget": {"@id": "gts:interactionTarget", "@type": "@id"},
        # FEP-521a and FEP-8b32, as the contexts data-integrity/v1 and multikey/v1 have it
        "sec": "https://w3id.org/security#",
        "assertionMethod": {"@id": "sec:assertionMethod", "@type": "@id", "@container": "@set"},
        "Multikey": "sec:Multikey",
        "controller": {"@id": "sec:controller", "@type": "@id"},
        "publicKeyMultibase": {"@id": "sec:publicKeyMultibase", "@type": "sec:multibase"},
        "proof": {"@id": "sec:proof", "@type": "@id", "@container": "@graph"},
        "DataIntegrityProof": "sec:DataIntegrityProof",
        "cryptosuite": {"@id": "sec:cryptosuite", "@type": "sec:cryptosuiteString"},
        "verificationMethod": {"@id": "sec:verificationMethod", "@type": "@id"},
        "proofPurpose": {"@id": "sec:proofPurpose", "@type": "@vocab"},
        "proofValue": {"@id": "sec:proofValue", "@type": "sec:multibase"},
        # FEP-2c59
        "webfinger": "https://purl.archive.org/socialweb/webfinger#webfinger",
        # FEP-d8c2, and what Pleroma says of an actor's endpoints
        "objectIDAsClientID": "https://purl.archive.org/socialweb/oauth#objectIDAsClientID",
        "oauthRegistrationEndpoint": {
            "@id": "http://litepub.social/ns#oauthRegistrationEndpoint",
            "@type": "@id",
        },
        # FEP-4ccd, FEP-c648, and the drafts of the SWICG for apps
        "pendingFollowers": {
            "@id": "https://purl.archive.org/socialweb/pending#pendingFollowers",
            "@type": "@id",
        },
        "pendingFollowing": {
            "@id": "https://purl.archive.org/socialweb/pending#pendingFollowing",
            "@type": "@id",
        },
        "blocked": {"@id": "https://purl.archive.org/socialweb/blocked#blocked", "@type": "@id"},
        "eventStream": {
            "@id": "https://purl.archive.org/socialweb/sse#eventStream",
            "@type": "@id",
        },
        # FEP-844e
        "implements": {
            "@id": "https://w3id.org/fep/844e#implements",
            "@type": "@id",
            "@container": "@set",
        },
        # FEP-5e53
        "xRobotsTag": "https://w3id.org/fep/5e53#xRobotsTag",
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
        # What a picture was painted from, as `generation.recipe` has it; nobody else has a word.
        "recipe": {"@id": "urn:easel:recipe", "@type": "@json"},
        # How far a picture is that is being painted, told to its author's apps.
        "progress": {"@id": "urn:easel:progress", "@type": "@json"},
    },
]

# Names that an author cannot give another meaning: ours, and those of the vocabulary that decide
# who says what to whom about what.
_KNOWN = frozenset(CONTEXT[2]) | {
    "as", "id", "type", "actor", "attributedTo", "object", "target", "origin", "instrument",
    "result", "to", "cc", "bto", "bcc", "audience", "content", "name", "summary", "url", "href",
    "published", "updated", "inReplyTo", "tag", "attachment", "inbox", "outbox", "followers",
    "publicKey", "owner", "publicKeyPem", "source", "mediaType", "icon", "image", "items",
}  # fmt: skip


def with_context(document: Mapping[str, Any], terms: Sequence[Any] = ()) -> dict[str, Any]:
    """The document as it is published: our @context first, an older one replaced.

    Args:
        document: without its own.
        terms: entries behind ours, which can only add to them (`further_terms`).
    """
    whole = [*CONTEXT, *terms] if terms else CONTEXT
    return {"@context": whole, **{k: v for k, v in document.items() if k != "@context"}}


def further_terms(context: Any) -> tuple[Any, ...]:
    """What an author's own @context adds to ours: names that we do not know, by addresses.

    Whole contexts elsewhere are left out: they could say anything, and something else tomorrow. So
    are other names for what our own words mean (`OURS`): nobody is to say `actor` by another word.
    """
    said: dict[str, str] = {}
    for entry in (context if isinstance(context, list) else [context])[:TERMS_LIMIT]:
        for name, meaning in entry.items() if isinstance(entry, Mapping) else ():
            known = not _TERM.fullmatch(name) or name in _KNOWN
            if isinstance(meaning, str) and not known and len(said) < TERMS_LIMIT:
                said[name] = meaning
    whole = {name: _expanded(meaning, said) for name, meaning in said.items()}
    terms = {
        name: said[name]
        for name, meaning in whole.items()
        if _MEANING.fullmatch(meaning) and not meaning.lower().startswith(OURS)
    }
    # What is shortened by a name that is left out would mean something else.
    terms = {
        name: meaning
        for name, meaning in terms.items()
        if whole[name] == meaning or meaning.partition(":")[0] in terms
    }
    return (terms,) if terms else ()


def _expanded(meaning: str, said: Mapping[str, str]) -> str:
    """An address that may be shortened by another of an author's names."""
    prefix, _, rest = meaning.partition(":")
    return f"{said[prefix]}{rest}" if prefix in said else meaning


def accepts_activity(accept: str | None) -> bool:
    """Whether a reader that sent this `Accept` header wants ActivityStreams rather than a page.

    The media type with the highest quality wins, and the first named among equals; plain
    `application/json` and `application/ld+json` count as ActivityStreams (AndStatus and curl
    users send them), wildcards alone do not.
    """
    best, wanted = 0.0, False
    for entry in _split(accept or "", ","):
        media_type, parameters = _media_type(entry)
        if media_type not in _ACTIVITY_LIKE and media_type not in _PAGE_LIKE:
            continue
        try:
            quality = float(parameters.get("q", "1"))
        except ValueError:
            quality = 0.0
        if best < quality <= 1:
            best, wanted = quality, media_type in _ACTIVITY_LIKE
    return wanted


def is_activity_type(content_type: str | None) -> bool:
    """Whether a body of this content type may be believed to be ActivityStreams.

    Strict: `application/activity+json`, or `application/ld+json` with the AS2 profile. Anything
    else could be a file that somebody uploaded (GHSA-jhrq-qvrm-qr36).
    """
    media_type, parameters = _media_type(content_type or "")
    if media_type == ACTIVITY_JSON:
        return True
    return media_type == "application/ld+json" and AS2 in parameters.get("profile", "").split()


def _media_type(header: str) -> tuple[str, dict[str, str]]:
    """A media type in lower case, and its parameters without quotes."""
    media_type, *rest = _split(header, ";")
    parameters: dict[str, str] = {}
    for parameter in rest:
        name, _, value = parameter.partition("=")
        parameters.setdefault(name.strip().lower(), value.strip().strip('"'))
    return media_type.strip().lower(), parameters


def _split(header: str, separator: str) -> list[str]:
    """The parts of a header between separators that are not inside quotes."""
    header = header[:HEADER_LIMIT]
    if '"' not in header:
        return header.split(separator)
    parts, start, quoted = [], 0, False
    for position, character in enumerate(header):
        if character == '"':
            quoted = not quoted
        elif character == separator and not quoted:
            parts.append(header[start:position])
            start = position + 1
    return [*parts, header[start:]]
