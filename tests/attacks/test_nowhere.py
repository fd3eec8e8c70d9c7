"""Attacks 43, 44 and 73: an instance in the open, and a canary on every address of this machine.

Nobody in the open lives on loopback, so nobody may come to the canary: however it is spelled, and
whoever names it. bob and mallory were met before the instance was told so; their keys are known.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from fedi.clock import FakeClock
from fedi.federation import remote
from fedi.social import accounts, credentials
from fedi.social.errors import SocialError
from tests import rig
from tests.attacks import canary as canaries
from tests.attacks import forgery
from tests.attacks.canary import LOOPBACK, PRIVATE
from tests.attacks.connections import ELSEWHERE, Names, heard
from tests.attacks.world import REFUSED, TAKEN, World
from tests.federation import peer, seeing
from tests.federation.peer import PUBLIC, Person
from tests.listening import nothing_fails

# A name that looks public to us and is an address of this machine: its own (attack 44).
NAMES = (socket.gethostname(), "ip6-localhost", "localhost.localdomain")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[World, list[str], dict[str, Person]]]:
    """The world as it is for an instance in the open; addresses of the canary, and followers of
    alice whose inboxes these are."""
    folder = tmp_path_factory.mktemp("nowhere")
    database_url = rig.SQLiteFiles(sqlite_template, folder).new()
    clock = FakeClock()
    async with peer.opened(clock) as internet, canaries.caged() as canary:
        hosts = [*LOOPBACK, *NAMES]
        addresses = [
            canary.url(host, scheme=scheme) for scheme in ("https", "http") for host in hosts
        ]
        addresses += [f"https://{host}/" for host in PRIVATE]
        sock = rig.free_socket()
        port = sock.getsockname()[1]
        inboxes: dict[str, Person] = {}
        async with rig.serve_instance(folder, database_url, clock=clock, sock=sock) as instance:
            async with instance.easel.database.write() as tx:
                alice = await accounts.create_local(tx, "alice")
            world = World(instance, internet, canary, alice)
            await world.settle()
            for address in addresses:
                follower = world.stranger(inbox=address)
                await follower.send(instance, follower.activity("Follow", alice.uri))
                inboxes[address] = follower
            await instance.run_jobs()
        async with rig.serve_instance(
            folder, database_url, clock=clock, sock=rig.socket_on(port),
            federation={"allow_private_addresses": False},
        ) as instance:  # fmt: skip
            world.instance = instance
            await canary.wake()
            yield world, addresses, inboxes


def _naming(person: Person, address: str, where: str, world: World) -> dict[str, Any]:
    """An activity of theirs that names an address."""
    note = person.note("look there", to=[world.alice.uri, PUBLIC])
    picture = {"type": "Image", "mediaType": "image/png", "url": address}
    more: dict[str, Any] = {
        "in-reply-to": {"inReplyTo": address},
        "attachment": {"attachment": [picture], "image": picture, "icon": picture},
        "emoji": {"tag": [{"type": "Emoji", "name": ":x:", "icon": picture}]},
        "mention": {"tag": [{"type": "Mention", "href": address}], "cc": [address]},
        "context": {"@context": [peer.AS2, address], "context": address, "conversation": address},
        "collections": {
            "replies": {"id": address, "type": "Collection", "first": address, "next": address},
            "likes": address, "shares": address,
        },
        "quote": {"quote": address, "quoteUrl": address, "_misskey_quote": address},
        "link": {"content": f'<p><a href="{address}">x</a></p>', "url": address},
    }  # fmt: skip
    if where == "boost":
        return person.activity("Announce", address, to=[PUBLIC])
    if where == "like":
        return person.activity("Like", address)
    if where == "move":
        return person.activity("Move", person.uri, target=address)
    return person.create({**note, **more[where]})


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "where",
    ["in-reply-to", "attachment", "emoji", "mention", "context", "collections", "quote", "link",
     "boost", "like", "move"],
)  # fmt: skip
async def test_43_what_an_activity_names(guarded: Any, where: str) -> None:
    world, addresses, _ = guarded
    with nothing_fails():
        for address in addresses:
            activity = _naming(world.bob, address, where, world)
            assert await world.bob.send(world.instance, activity) in TAKEN | REFUSED, address
        await world.instance.run_jobs()
        page = world.post.rsplit("/", 1)[1]
        await world.get(f"/@alice/{page}", accept="text/html")
        await world.instance.run_jobs()
    assert world.canary.visits == []


@pytest.mark.asyncio(loop_scope="module")
async def test_43_keys(guarded: Any) -> None:
    world, addresses, _ = guarded
    with nothing_fails():
        for address in addresses:
            activity = world.bob.activity("Like", world.post)
            answer = await world.says(world.bob, activity, key_id=f"{address}#key")
            assert answer in REFUSED | {503}, address
            status, _ = await world.get(world.secret, None, signature=f'keyId="{address}"')
            assert status in {400, 401, 404}
    assert world.canary.visits == []


@pytest.mark.asyncio(loop_scope="module")
async def test_43_inboxes(guarded: Any) -> None:
    world, addresses, inboxes = guarded
    known = [a for a in addresses if await seeing.account(world.instance, inboxes[a].uri)]
    assert len(known) > len(addresses) / 2
    with nothing_fails():
        await seeing.publish(world.instance, world.alice, "for all my followers")
        await world.instance.run_jobs()
    assert world.canary.visits == []


@pytest.mark.asyncio(loop_scope="module")
async def test_43_names_that_people_type(guarded: Any) -> None:
    world, addresses, _ = guarded
    easel = world.instance.easel
    with nothing_fails():
        for address in addresses:
            for name in (address, f"x@{address.split('/')[2]}"):
                with pytest.raises(SocialError):
                    await remote.resolve(easel, name)
    assert world.canary.visits == []


@pytest.mark.asyncio(loop_scope="module")
async def test_73_what_an_app_has_us_read(guarded: Any) -> None:
    """By `proxyUrl`, directly or round the corner of a redirect."""
    world, addresses, _ = guarded
    async with world.instance.easel.database.write() as tx:
        token = await credentials.issue_token(tx, world.alice, "an app", "read")
    with nothing_fails():
        for address in addresses:
            status, said = await asks_for(world, token, address)
            # A name may lead somewhere else later; an address does not.
            assert status in {422, 503} and forgery.error_of(said), address
    assert world.canary.visits == []


async def asks_for(world: World, token: str, address: str) -> tuple[int, bytes]:
    headers = [
        ("host", world.instance.domain),
        ("authorization", f"Bearer {token}"),
        ("content-type", "application/x-www-form-urlencoded"),
    ]
    body = urlencode({"id": address}).encode()
    return await forgery.request(world.instance.url, "POST", "/users/alice/proxy", headers, body)


REBOUND = {
    "private": [("127.0.0.1",)],
    "private-in-ipv6": [("::1", "::ffff:127.0.0.1")],
    "public-then-private": [(ELSEWHERE[0],), ("127.0.0.1",)],
    "public-in-ipv6-then-private": [(ELSEWHERE[1],), ("::1",)],
    "both-in-one-answer": [("127.0.0.1", ELSEWHERE[0], "::1", "10.0.0.1")],
    "public-then-both": [(ELSEWHERE[0],), ("169.254.169.254", ELSEWHERE[0])],
}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("how", REBOUND)
@pytest.mark.parametrize("by", ["person", "key", "handle", "boost", "proxy"])
async def test_44_a_public_name_of_a_private_address(
    guarded: Any, monkeypatch: pytest.MonkeyPatch, how: str, by: str
) -> None:
    """However often a name is asked for and whatever it says then, what is connected to is an
    address that was found to be public, and never what the name says a moment later."""
    world, _, _ = guarded
    names = Names(monkeypatch)
    host = f"{how}.{by}.example"
    public = {address for answer in REBOUND[how] for address in answer} & set(ELSEWHERE)
    async with world.instance.easel.database.write() as tx:
        token = await credentials.issue_token(tx, world.alice, "an app", "read")
    names.answers[host] = list(REBOUND[how])
    with nothing_fails(), heard() as addresses:
        for n, port in enumerate((443, world.canary.port, 8443)):  # each asks DNS anew
            address = f"https://{host}:{port}/users/x{n}"
            if by == "key":
                like = world.bob.activity("Like", world.post)
                answer = await world.says(world.bob, like, key_id=f"{address}#key")
                assert answer in REFUSED | {503}
            elif by == "proxy":
                assert (await asks_for(world, token, address))[0] in {422, 503}
            elif by == "boost":
                boost = world.bob.activity("Announce", address, to=[PUBLIC])
                assert await world.bob.send(world.instance, boost) in TAKEN
                await world.instance.run_jobs()
            else:
                name = address if by == "person" else f"x{n}@{host}:{port}"
                with pytest.raises(SocialError):
                    await remote.resolve(world.instance.easel, name)
    assert len(names.asked) >= len(REBOUND[how])
    ours = world.instance.easel.settings.server.port  # where the test itself goes
    assert {one for one, port in addresses if port != ours} == public
    assert world.canary.visits == []


@pytest.mark.asyncio(loop_scope="module")
async def test_44_the_canary_would_have_heard(guarded: Any) -> None:
    """Last of all here: who comes to it is written down, and so is where they went."""
    world, _, _ = guarded
    with heard() as addresses:
        _, writer = await asyncio.open_connection("127.0.0.1", world.canary.port)
        writer.write(b"x")
        await rig.until(lambda: world.canary.visits == [b"x"])
        writer.close()
    assert addresses == [("127.0.0.1", world.canary.port)]
    world.canary.visits.clear()
