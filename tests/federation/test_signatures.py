"""Who signs how: what a server wants and what it was found out to want, kept over a restart."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from fedi.clock import FakeClock
from fedi.database.tables import Account
from fedi.social import accounts
from tests import rig
from tests.federation import seeing
from tests.federation.peer import Internet, Person
from tests.rig import Instance


def take_rfc9421_only(internet: Internet, inbox: str) -> None:
    """Answer 401 to the next POST that is signed otherwise, 202 to the next that is not."""

    def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=202 if "Signature-Input" in request.headers else 401)

    internet.answers[inbox] = [answer] * 20


def signatures(internet: Internet, inbox: str) -> list[str]:
    return [
        "rfc9421" if "Signature-Input" in headers else "cavage"
        for url, _, headers in internet.posted
        if url == inbox
    ]


async def friend(instance: Instance, internet: Internet, alice: Account, name: str) -> Person:
    person = internet.person(name, name)
    await person.does(instance, person.activity("Follow", alice.uri))
    return person


async def test_what_a_server_wants_is_found_out_once_and_survives_a_restart(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock, internet: Internet
) -> None:
    url = new_database()
    port = 0
    async with rig.serve_instance(tmp_path, url, clock=clock) as instance:
        port = instance.easel.settings.server.port
        async with instance.easel.database.write() as tx:
            alice = await accounts.create_local(tx, "alice")
        bob = await friend(instance, internet, alice, "bob")
        carol = await friend(instance, internet, alice, "carol")
        internet.posted.clear()
        take_rfc9421_only(internet, bob.inbox)
        for text in ("one", "two"):
            await seeing.publish(instance, alice, text)
            await instance.run_jobs()
        assert signatures(internet, bob.inbox) == ["cavage", "rfc9421", "rfc9421"]
        assert signatures(internet, carol.inbox) == ["cavage", "cavage"]
        assert await seeing.jobs(instance) == []
    internet.posted.clear()
    sock = rig.socket_on(port)
    async with rig.serve_instance(tmp_path, url, clock=clock, sock=sock) as instance:
        await seeing.publish(instance, alice, "three")
        await instance.run_jobs()
        assert signatures(internet, bob.inbox) == ["rfc9421"]
        assert signatures(internet, carol.inbox) == ["cavage"]
        # it thinks again
        internet.posted.clear()
        internet.answer(bob.inbox, 401, 202)
        internet.answers[bob.inbox] = internet.answers[bob.inbox][-2:]
        for text in ("four", "five"):
            await seeing.publish(instance, alice, text)
            await instance.run_jobs()
        assert signatures(internet, bob.inbox) == ["rfc9421", "cavage", "cavage"]
