"""From a handle to an actor and back, between real servers (peers.md 4.4, attacks.md 38)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from activitypub import webfinger
from activitypub.client import Client, FetchError
from activitypub.context import ACTIVITY_JSON, JRD_JSON, LD_JSON
from activitypub.errors import Malformed
from activitypub.json import encode
from activitypub.objects import Actor
from activitypub.webfinger import Resource
from tests.activitypub.conftest import Peer

WELL_KNOWN = "/.well-known/webfinger"


def jrd(subject: str, actor_uri: str) -> bytes:
    return encode(webfinger.document(subject=subject, actor_uri=actor_uri))


def by_resource(peer: Peer, answers: dict[str, bytes], path: str = WELL_KNOWN) -> None:
    """Answer WebFinger by the account that is asked for; all others are not known."""

    async def answer(request: web.Request) -> web.Response:
        body = answers.get(request.query.get("resource", ""))
        if body is None:
            return web.Response(status=404)
        return web.Response(body=body, headers={"Content-Type": JRD_JSON})

    peer.answers[path] = answer


def actor(peer: Peer, host: str = "peer.localhost", **more: Any) -> Actor:
    id_ = peer.url("/users/alice", host)
    document = {"id": id_, "type": "Person", "preferredUsername": "alice", "inbox": f"{id_}/inbox"}
    return Actor.parse({**document, **more})


def test_what_we_say_of_an_account() -> None:
    document = webfinger.document(
        subject="alice@a.example",
        actor_uri="https://a.example/users/alice",
        profile_url="https://a.example/@alice",
    )
    assert document["subject"] == "acct:alice@a.example"
    assert {"rel": "self", "type": ACTIVITY_JSON, "href": "https://a.example/users/alice"} in (
        document["links"]
    )
    assert webfinger.parse(document) == Resource(
        subject="alice@a.example",
        actor_uri="https://a.example/users/alice",
        profile_url="https://a.example/@alice",
    )


def test_where_somebody_does_at_home_what_they_were_asked_to() -> None:
    follow, subscribe = "https://a.example/f?who={object}", "https://a.example/s?uri={uri}"
    document = webfinger.document(
        subject="alice@a.example", actor_uri="https://a.example/1", intents={"Follow": follow}
    )
    document["links"] += [
        {"rel": webfinger.SUBSCRIBE, "template": subscribe},
        {"rel": webfinger.SUBSCRIBE, "template": "https://a.example/second?{uri}"},
        {"rel": f"{webfinger.INTENT}Like", "template": "javascript:alert('{object}')"},
        {"rel": f"{webfinger.INTENT}Object"},
        {"rel": ["x"], "template": subscribe},
    ]
    assert webfinger.parse(document).templates == {
        f"{webfinger.INTENT}Follow": follow,
        webfinger.SUBSCRIBE: subscribe,
    }


@pytest.mark.parametrize(
    ("written", "user", "host"),
    [
        ("alice@a.example", "alice", "a.example"),
        ("@alice@a.example", "alice", "a.example"),
        ("acct:Alice@A.Example", "Alice", "a.example"),
        ("acct:alice@a.example:443", "alice", "a.example"),
        ("alice@easel-a.localhost:8001", "alice", "easel-a.localhost:8001"),
        ("alice@bücher.example", "alice", "xn--bcher-kva.example"),
        ("a.example@a.example", "a.example", "a.example"),
    ],
)
def test_accounts(written: str, user: str, host: str) -> None:
    assert webfinger.parse_acct(written) == (user, host)


@pytest.mark.parametrize(
    "written",
    ["", "@", "alice", "alice@", "@a.example", "a b@a.example", "a/b@a.example", "a@b@a.example",
     "alice@a.example/x", "alice@a.example?x", "alice@a.example#x", "alice@user:pw@a.example",
     "alice@a..example", "alice@a%2eexample", "acct:acct:alice@a.example", "a\0@a.example"],
)  # fmt: skip
def test_what_is_no_account(written: str) -> None:
    with pytest.raises(Malformed):
        webfinger.parse_acct(written)


@pytest.mark.parametrize(
    ("query", "resource"),
    [
        ("resource=acct:a@b.example", "acct:a@b.example"),
        ("resource=acct%3Aa%40b.example&rel=self", "acct:a@b.example"),
        (b"rel=self&resource=https%3A%2F%2Fa.example%2F%C3%BC", "https://a.example/ü"),
        ("resource=acct:a+b@c.example", "acct:a+b@c.example"),
        ("resource=100%", "100%"),
    ],
)
def test_queries(query: str | bytes, resource: str) -> None:
    assert webfinger.parse_query(query) == resource


@pytest.mark.parametrize(
    "query",
    ["", "resource=", "rel=self", "resource=a&resource=b", "resource=%00%ff", "resource=%ff",
     "resource=a%00", "resource=a%0Ab", "resource=a%20b", f"resource={'x' * 5000}",
     "resource=%ed%a0%80", b"resource=\xff"],
)  # fmt: skip
def test_queries_that_kill_other_servers(query: str | bytes) -> None:
    with pytest.raises(Malformed):
        webfinger.parse_query(query)


@given(st.text() | st.binary())
def test_no_query_breaks_the_parser(query: str | bytes) -> None:
    for text in (query, f"resource={query!s}"):
        try:
            webfinger.parse_query(text)
        except Malformed:
            pass


@pytest.mark.parametrize(
    "broken",
    [
        {"subject": None}, {"subject": "https://a.example/"}, {"subject": "acct:x"},
        {"links": None}, {"links": []}, {"links": [{"rel": "self", "href": "https://a.example/"}]},
        {"links": [{"rel": "self", "type": "text/html", "href": "https://a.example/"}]},
        {"links": [{"rel": "self", "type": ACTIVITY_JSON, "href": "javascript:x"}]},
        {"links": [None, 7, {"rel": "self", "type": ["x"]}]},
    ],
)  # fmt: skip
def test_answers_that_name_nobody(broken: dict[str, Any]) -> None:
    document = webfinger.document(subject="a@a.example", actor_uri="https://a.example/")
    with pytest.raises(Malformed):
        webfinger.parse({**document, **broken})


def test_the_other_type_of_self() -> None:
    link = {"rel": "self", "type": LD_JSON, "href": "https://a.example/1"}
    assert webfinger.parse({"subject": "acct:a@a.example", "links": [link]}).actor_uri == (
        "https://a.example/1"
    )


async def test_an_account_is_looked_up(client: Client, peer: Peer) -> None:
    me = f"alice@peer.localhost:{peer.port}"
    by_resource(peer, {f"acct:{me}": jrd(me, peer.url("/users/alice"))})
    found = await webfinger.resolve(client, f"@{me}")
    assert found == Resource(subject=me, actor_uri=peer.url("/users/alice"))
    assert dict(peer.requests[0].headers)["Accept"] == "application/jrd+json, application/json"
    with pytest.raises(FetchError) as caught:
        await webfinger.resolve(client, f"carol@peer.localhost:{peer.port}")
    assert caught.value.status == 404


async def test_a_split_domain_confirms_itself(client: Client, peer: Peer) -> None:
    handle = f"alice@peer.localhost:{peer.port}"
    inner = f"alice@social.localhost:{peer.port}"
    said = jrd(handle, peer.url("/users/alice", "social.localhost"))
    by_resource(peer, {f"acct:{handle}": said, f"acct:{inner}": said})
    assert (await webfinger.resolve(client, inner)).subject == handle
    assert await webfinger.confirm(client, actor(peer, "social.localhost")) == handle


async def test_38_a_subject_on_a_domain_that_does_not_confirm(client: Client, peer: Peer) -> None:
    mine, stolen = (f"alice@{host}.localhost:{peer.port}" for host in ("evil", "peer"))
    forged = jrd(stolen, peer.url("/users/alice", "evil.localhost"))
    by_resource(
        peer, {f"acct:{mine}": forged, f"acct:{stolen}": jrd(stolen, peer.url("/users/alice"))}
    )
    with pytest.raises(Malformed):
        await webfinger.resolve(client, mine)
    assert await webfinger.confirm(client, actor(peer, "evil.localhost")) is None


async def test_38_names_that_pass_one_on_end(client: Client, peer: Peer) -> None:
    names = [f"a{n}@peer.localhost:{peer.port}" for n in range(9)]
    by_resource(
        peer,
        {
            f"acct:{name}": jrd(following, peer.url("/users/alice"))
            for name, following in pairwise(names)
        },
    )
    with pytest.raises(Malformed):
        await webfinger.resolve(client, names[0])
    assert len(peer.requests) == 2


async def test_38_an_actor_whose_handle_names_another(client: Client, peer: Peer) -> None:
    me = f"alice@peer.localhost:{peer.port}"
    by_resource(peer, {f"acct:{me}": jrd(me, peer.url("/users/other"))})
    assert await webfinger.confirm(client, actor(peer)) is None


async def test_the_actors_own_webfinger_first(client: Client, peer: Peer) -> None:
    # FEP-2c59
    pretty = f"al@peer.localhost:{peer.port}"
    by_resource(peer, {f"acct:{pretty}": jrd(pretty, peer.url("/users/alice"))})
    assert await webfinger.confirm(client, actor(peer, webfinger=pretty)) == pretty
    assert len(peer.requests) == 1
    assert await webfinger.confirm(client, actor(peer, webfinger="nonsense")) is None


async def test_confirming_can_be_tried_later(client: Client, peer: Peer) -> None:
    peer.status(WELL_KNOWN, 503)
    with pytest.raises(FetchError) as caught:
        await webfinger.confirm(client, actor(peer))
    assert not caught.value.permanent


async def test_the_way_over_host_meta(client: Client, peer: Peer) -> None:
    me = f"alice@peer.localhost:{peer.port}"
    xrd = webfinger.host_meta(peer.url("")).replace("/.well-known/webfinger", "/wf")
    peer.serve("/.well-known/host-meta", xrd.encode(), "application/xrd+xml")
    by_resource(peer, {f"acct:{me}": jrd(me, peer.url("/users/alice"))}, "/wf")
    assert (await webfinger.resolve(client, me)).subject == me


async def test_host_meta_that_leads_back_is_asked_once(client: Client, peer: Peer) -> None:
    peer.serve("/.well-known/host-meta", webfinger.host_meta(peer.url("")).encode())
    with pytest.raises(FetchError):
        await webfinger.resolve(client, f"alice@peer.localhost:{peer.port}")
    assert len(peer.requests) == 2


def test_host_meta_is_read_back() -> None:
    xrd = webfinger.host_meta("https://a.example").encode()
    assert webfinger.parse_host_meta(xrd) == [
        "https://a.example/.well-known/webfinger?resource={uri}"
    ]


BILLION_LAUGHS = b"""<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>
<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">&b;</XRD>"""


@pytest.mark.parametrize(
    "body", [b"", b"x", b"<XRD", BILLION_LAUGHS, b"\xff\xfe", b'<?xml encoding="x"?><a/>']
)
def test_host_meta_that_is_none(body: bytes) -> None:
    with pytest.raises(Malformed):
        webfinger.parse_host_meta(body)
