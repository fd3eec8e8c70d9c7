"""WebFinger (RFC 7033) and host-meta (RFC 6415): from `user@host` to an actor and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from msgspec import Struct

from activitypub.client import Client, FetchError
from activitypub.context import ACTIVITY_JSON, JRD_JSON, LD_JSON, XRD_XML
from activitypub.errors import Malformed
from activitypub.objects import values
from activitypub.objects.actor import USERNAME_LIMIT, Actor
from activitypub.origin import authority, host, origin

ACCEPT = f"{JRD_JSON}, application/json"
PROFILE_PAGE = "http://webfinger.net/rel/profile-page"
SERVICE = "https://www.w3.org/ns/activitystreams#Service"
"""The relation of a server to its own actor (FEP-d556)."""

INTENT = "https://w3id.org/fep/3b86/"
"""Before the name of an activity: where somebody does it at home (FEP-3b86)."""

SUBSCRIBE = "http://ostatus.org/schema/1.0/subscribe"
"""Where somebody does at home what they were asked to do elsewhere: a template with `{uri}`."""

SELF_TYPES = (ACTIVITY_JSON, LD_JSON)
"""Exactly these, because Mastodon 4.6 takes exactly these."""

LINKS_LIMIT = 50
"""Links read of a JRD."""

QUERY_LIMIT = 4096
"""Bytes of a WebFinger query."""

HOST_META_LIMIT = 64 * 1024
"""Bytes of a host-meta document."""

_XRD = "{http://docs.oasis-open.org/ns/xri/xrd-1.0}"


class Resource(Struct, frozen=True, kw_only=True):
    """What WebFinger says of an account: `subject` is `user@host`, confirmed by that host.

    Attributes:
        templates: addresses with names such as `{object}` in braces, by their relations: those of
            intents (FEP-3b86), and `SUBSCRIBE`.
    """

    subject: str
    actor_uri: str
    profile_url: str | None = None
    templates: Mapping[str, str] = {}


def parse_acct(acct: str) -> tuple[str, str]:
    """`(user, host)` of `user@host`, `@user@host` or `acct:user@host`; host in canonical form
    (lower case, A-labels, default port dropped). Raises `Malformed`."""
    user, at, server = acct.removeprefix("acct:").removeprefix("@").rpartition("@")
    canonical = authority(server)
    if not at or not user or canonical is None or len(user) > USERNAME_LIMIT:
        raise Malformed("The account is not written as user@host.")
    if not user.isprintable() or any(character in "/?#@:\\% " for character in user):
        raise Malformed("The account's name has a character that no name has.")
    if len(user.lower().encode()) > USERNAME_LIMIT:
        raise Malformed("The account's name is too long.")
    return user, canonical


def parse_query(query_string: bytes | str) -> str:
    """The `resource` of a raw query string, percent-decoded.

    Raises `Malformed` if it is missing, repeated, too long or no UTF-8: snac 2.94 dies of
    `?resource=%00%ff`.
    """
    raw = query_string.encode("utf-8", "replace") if isinstance(query_string, str) else query_string
    if len(raw) > QUERY_LIMIT:
        raise Malformed("The query is too long.")
    found = [
        value
        for name, _, value in (part.partition(b"=") for part in raw.split(b"&"))
        if name == b"resource"
    ]
    if len(found) != 1 or not found[0]:
        raise Malformed("The query must name one resource.")
    try:
        resource = unquote_to_bytes(found[0]).decode()
    except UnicodeDecodeError as error:
        raise Malformed("The resource is no UTF-8.") from error
    if any(character <= " " or character == "\x7f" for character in resource):
        raise Malformed("The resource contains blanks or control characters.")
    return resource


def document(
    *,
    subject: str,
    actor_uri: str,
    profile_url: str | None = None,
    is_server: bool = False,
    intents: Mapping[str, str] | None = None,
    subscribe: str = "",
) -> dict[str, Any]:
    """The JRD of one of our accounts.

    `subject` is `user@host`; `is_server` says that the actor is the server's own; `intents` are
    templates, with names such as `{object}` in braces, by the name of the activity; `subscribe` is
    the template with `{uri}` that older software looks for.
    """
    links = [{"rel": "self", "type": ACTIVITY_JSON, "href": actor_uri}]
    if is_server:
        links.append({"rel": SERVICE, "type": ACTIVITY_JSON, "href": actor_uri})
    for name, template in (intents or {}).items():
        links.append({"rel": f"{INTENT}{name}", "template": template})
    if subscribe:
        links.append({"rel": SUBSCRIBE, "template": subscribe})
    aliases = [actor_uri]
    if profile_url is not None:
        links.insert(0, {"rel": PROFILE_PAGE, "type": "text/html", "href": profile_url})
        aliases.insert(0, profile_url)
    return {"subject": f"acct:{subject}", "aliases": aliases, "links": links}


def parse(jrd: Any) -> Resource:
    """Read a JRD. Raises `Malformed` without a subject `acct:` or a usable `self` link."""
    if not isinstance(jrd, Mapping):
        raise Malformed("The WebFinger answer is no object.")
    subject = jrd.get("subject")
    if not isinstance(subject, str) or not subject.startswith("acct:"):
        raise Malformed("The WebFinger answer has no subject.")
    user, server = parse_acct(subject)
    actor_uri = profile_url = None
    templates: dict[str, str] = {}
    for link in values.entries(jrd.get("links"), LINKS_LIMIT):
        if not isinstance(link, Mapping):
            continue
        href, rel = values.web_uri(link.get("href")), link.get("rel")
        if isinstance(rel, str) and (rel.startswith(INTENT) or rel == SUBSCRIBE):
            template = values.web_uri(link.get("template"))
            if template is not None:
                templates.setdefault(rel, template)
        elif rel == "self" and link.get("type") in SELF_TYPES:
            actor_uri = actor_uri or href
        elif rel == PROFILE_PAGE:
            profile_url = profile_url or href
    if actor_uri is None:
        raise Malformed("The WebFinger answer links to no actor.")
    return Resource(
        subject=f"{user}@{server}",
        actor_uri=actor_uri,
        profile_url=profile_url,
        templates=templates,
    )


def host_meta(base_url: str) -> str:
    """The XRD of `/.well-known/host-meta`, pointing to WebFinger at `base_url`."""
    template = escape(f"{base_url}/.well-known/webfinger?resource={{uri}}")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">\n'
        f'  <Link rel="lrdd" type="{JRD_JSON}" template="{template}"/>\n'
        "</XRD>\n"
    )


def host_meta_json(base_url: str) -> dict[str, Any]:
    """The JRD of `/.well-known/host-meta.json`, which says the same (RFC 6415, appendix A)."""
    template = f"{base_url}/.well-known/webfinger?resource={{uri}}"
    return {"links": [{"rel": "lrdd", "type": JRD_JSON, "template": template}]}


def parse_host_meta(xrd: bytes) -> list[str]:
    """The WebFinger templates of a host-meta document. Raises `Malformed` for what is no XML,
    or XML with a document type or entities."""
    # imported here: few servers have host-meta, and starting is faster without
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(xrd, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Malformed("The host-meta document is no XML.") from error
    links = (link for link in root.iter(f"{_XRD}Link") if link.get("rel") == "lrdd")
    templates = (str(link.get("template", "")) for link in links)
    return [found for found in templates if "{uri}" in found and values.web_uri(found)]


async def resolve(client: Client, acct: str) -> Resource:
    """Look an account up.

    Falls back to host-meta on 404; where the subject is another account, that one is asked
    once more and must confirm itself with the same actor (split domain). Raises `FetchError`
    or `Malformed`.
    """
    user, server = parse_acct(acct)
    return await _resolve(client, user, server, client.origins(server))


async def confirm(client: Client, actor: Actor) -> str | None:
    """The handle `user@host` that WebFinger confirms for this actor, else None.

    Asks for the actor's own `webfinger` (FEP-2c59) first if it has one, then for
    `preferredUsername` at the host of its id. Raises `FetchError` where trying later may help.
    """
    home, at = host(actor.id), origin(actor.id)
    if home is None or at is None:
        return None
    claims = [f"{actor.preferred_username}@{home}"]
    if actor.webfinger is not None:
        claims.insert(0, actor.webfinger)
    for claim in dict.fromkeys(claims):
        try:
            user, server = parse_acct(claim)
            origins = [at] if server == home else client.origins(server)
            resource = await _resolve(client, user, server, origins)
        except Malformed:
            continue
        except FetchError as error:
            if error.permanent:
                continue
            raise
        if resource.actor_uri == actor.id:
            return resource.subject
    return None


async def _resolve(client: Client, user: str, server: str, origins: Iterable[str]) -> Resource:
    found = await _ask(client, user, server, origins)
    if _same_account(found.subject, f"{user}@{server}"):
        return found
    user, server = parse_acct(found.subject)
    confirmed = await _ask(client, user, server, client.origins(server))
    if (
        not _same_account(confirmed.subject, found.subject)
        or confirmed.actor_uri != found.actor_uri
    ):
        raise Malformed("The account's other name does not confirm it.")
    return confirmed


async def _ask(client: Client, user: str, server: str, origins: Iterable[str]) -> Resource:
    """One WebFinger query, at the first of the origins that answers at all."""
    uri = quote(f"acct:{user}@{server}", safe="@:")
    unreachable: FetchError | None = None
    for base in origins:
        try:
            return parse(await _jrd(client, base, uri))
        except FetchError as error:
            if error.status is not None or error.permanent:
                raise
            unreachable = error
    raise unreachable or FetchError("There is no server to ask.")


async def _jrd(client: Client, base: str, uri: str) -> dict[str, Any]:
    try:
        url = f"{base}/.well-known/webfinger?resource={uri}"
        return await client.get_json(url, accept=ACCEPT)
    except FetchError as error:
        if error.status != 404:
            raise
        template = await _template(client, base)
        if template is None:
            raise
    return await client.get_json(template.replace("{uri}", uri), accept=ACCEPT)


async def _template(client: Client, base: str) -> str | None:
    """The WebFinger template that host-meta names, if it is another than the usual one."""
    try:
        got = await client.get_bytes(
            f"{base}/.well-known/host-meta", HOST_META_LIMIT, accept=XRD_XML
        )
        templates = parse_host_meta(got.body)
    except (FetchError, Malformed):
        return None
    usual = f"{base}/.well-known/webfinger?"
    return next((template for template in templates if not template.startswith(usual)), None)


def _same_account(a: str, b: str) -> bool:
    return a.lower() == b.lower()
