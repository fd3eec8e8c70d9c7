"""How we are found: WebFinger, host-meta, NodeInfo, and what can be done here from elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func
from sqlmodel import col, select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activitypub import json, nodeinfo, webfinger
from activitypub.context import JRD_JSON, XRD_XML
from activitypub.errors import Malformed
from activitypub.nodeinfo import NodeInfo
from fedi import __version__
from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.federation.translate.outward import full_handle
from fedi.runtime import easel_of
from fedi.social import accounts, seals
from fedi.social.visibility import SHOWN_TO_ALL

MAX_AGE_S = 3600
CORS = {"Access-Control-Allow-Origin": "*"}
# FEP-3b86: what people can do here from a link elsewhere. A page for each is in `web.intents` or
# `web.reacting`.
_BACK = "&on-success={on-success}&on-cancel={on-cancel}"
INTENTS = {
    "Object": "/intents/object?object={object}",
    "Follow": f"/intents/follow?object={{object}}{_BACK}",
    "Like": f"/intents/like?object={{object}}{_BACK}",
    "Announce": f"/intents/announce?object={{object}}{_BACK}",
    "Create": ("/intents/create?content={content}&summary={summary}&inReplyTo={inReplyTo}" + _BACK),
}
SUBSCRIBE = "/authorize_interaction?uri={uri}"  # as Mastodon's; a page of `web.interacting`
MONTH, HALF_YEAR = timedelta(days=30), timedelta(days=182)


async def finger(request: Request) -> Response:
    """`GET /.well-known/webfinger`: by handle, by an actor's address, or by the instance's."""
    easel = easel_of(request)
    try:
        resource = webfinger.parse_query(request.scope["query_string"])
        async with easel.database.read() as session:
            account = await _find(session, resource)
    except Malformed as error:
        raise HTTPException(400, error.reason, headers=CORS) from error
    if account is None or account.suspended_at is not None:
        raise HTTPException(404, "There is no such account here.", headers=CORS)
    instance = easel.settings.instance
    person = accounts.is_person(account)
    document = webfinger.document(
        subject=full_handle(account, instance),
        actor_uri=account.uri,
        profile_url=account.url,
        is_server=not person,
        intents={name: f"{instance.url}{path}" for name, path in INTENTS.items()} if person else {},
        subscribe=f"{instance.url}{SUBSCRIBE}" if person else "",
    )
    return Response(
        json.encode(document),
        headers={**CORS, "Cache-Control": f"public, max-age={MAX_AGE_S}"},
        media_type=JRD_JSON,
    )


async def _find(session: Session, resource: str) -> Account | None:
    """The account that a resource means.

    Raises:
        Malformed: it is neither a handle nor an address.
    """
    instance = session.instance
    if resource.startswith(("http://", "https://")):
        if resource.rstrip("/") in {instance.url, accounts.instance_actor_uri(instance.url)}:
            return await accounts.instance_actor(session)  # FEP-d556
        if not resource.startswith(f"{instance.url}/"):
            return None
        name = urlsplit(resource).path.removeprefix("/users/").removeprefix("/@")
        return await accounts.find_local(session, name) if "/" not in name else None
    if resource.removeprefix("acct:") == f"{instance.domain}@{instance.domain}":
        return await accounts.instance_actor(session)  # a port in it is no port of a handle
    user, host = webfinger.parse_acct(resource)
    return await accounts.find_local(session, user) if host == instance.domain else None


async def host_meta(request: Request) -> Response:
    """`GET /.well-known/host-meta`, for those who look for WebFinger that way."""
    return Response(
        webfinger.host_meta(easel_of(request).settings.instance.url),
        headers={**CORS, "Cache-Control": f"public, max-age={MAX_AGE_S}"},
        media_type=XRD_XML,
    )


async def host_meta_json(request: Request) -> Response:
    """`GET /.well-known/host-meta.json`."""
    return Response(
        json.encode(webfinger.host_meta_json(easel_of(request).settings.instance.url)),
        headers={**CORS, "Cache-Control": f"public, max-age={MAX_AGE_S}"},
        media_type=JRD_JSON,
    )


async def nodeinfo_links(request: Request) -> Response:
    """`GET /.well-known/nodeinfo`."""
    url = easel_of(request).settings.instance.url
    document = json.encode(nodeinfo.discovery(url))
    return Response(document, headers=CORS, media_type=JRD_JSON)


async def nodeinfo_document(request: Request) -> Response:
    """`GET /nodeinfo/VERSION`."""
    version = request.path_params["version"]
    if version not in nodeinfo.VERSIONS:
        raise HTTPException(404, f"There is no NodeInfo {version} here.")
    easel = easel_of(request)
    joining = easel.settings.registrations.mode in {"approval", "open"}
    async with easel.database.read() as session:
        document = (await describe(session, open_registrations=joining)).document(version)
    media_type = nodeinfo.content_type(version)
    return Response(json.encode(document), headers=CORS, media_type=media_type)


async def authority(request: Request) -> Response:
    """`GET /.well-known/easel/content-credentials.pem`: the certificate of the authority whose
    leaves sign the pictures that are painted here."""
    easel = easel_of(request)
    await seals.of(easel)  # made, if it is not there yet
    async with easel.database.read() as session:
        certificate = await seals.authority(session)
    headers = {**CORS, "Cache-Control": f"public, max-age={MAX_AGE_S}"}
    return Response(certificate, headers=headers, media_type=seals.MEDIA_TYPE)


async def describe(session: Session, *, open_registrations: bool) -> NodeInfo:
    """This instance in numbers that are nobody's secret.

    Args:
        open_registrations: whether who has no invitation can join.
    """
    people: Any = select(func.count()).where(
        col(Account.domain).is_(None),
        col(Account.deleted_at).is_(None),
        col(Account.suspended_at).is_(None),  # nor who has not been let in yet
        Account.actor_type != "Application",
    )
    written: Any = select(func.count()).where(
        col(Status.local).is_(True),
        col(Status.deleted_at).is_(None),
        col(Status.reblog_of_id).is_(None),
        col(Status.visibility).in_(SHOWN_TO_ALL),
    )

    async def count(query: Any) -> int:
        return int((await session.execute(query)).scalar() or 0)

    now = session.now
    return NodeInfo(
        open_registrations=open_registrations,
        software="easel",
        version=__version__,
        users_total=await count(people),
        users_active_month=await count(people.where(col(Account.last_status_at) > now - MONTH)),
        users_active_half_year=await count(
            people.where(col(Account.last_status_at) > now - HALF_YEAR)
        ),
        local_posts=await count(written),
        name=session.instance.name,
        description=session.instance.description,
        content_credentials=f"{session.instance.url}{seals.PATH}",
        upstream="mastodon",
    )


routes: list[BaseRoute] = [
    Route("/.well-known/webfinger", finger),
    Route("/.well-known/host-meta", host_meta),
    Route("/.well-known/host-meta.json", host_meta_json),
    Route("/.well-known/nodeinfo", nodeinfo_links),
    Route("/nodeinfo/{version}", nodeinfo_document),
    Route(seals.PATH, authority),
]
