"""Flags: what others report of us, and what we report of others."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from fedi.database.tables import Account, DomainRule, Report
from fedi.federation import remote
from fedi.social import accounts, reports
from fedi.social.errors import Invalid
from tests.federation import seeing
from tests.federation.peer import Internet, Person
from tests.rig import Instance


@pytest.fixture
def server(internet: Internet) -> Person:
    """The actor of a server itself, which speaks for those who want no name."""
    return internet.person("peer.example", type="Application")


async def stored(instance: Instance) -> list[Report]:
    async with instance.easel.database.read() as session:
        return list((await session.exec(select(Report).order_by(col(Report.id)))).all())


async def test_an_account_and_posts_of_it_are_reported(
    instance: Instance, alice: Account, server: Person
) -> None:
    post = await seeing.publish(instance, alice)
    flag = server.activity("Flag", [alice.uri, post, f"{server.origin}/x"], content=" spam! ")
    for _ in range(2):
        await server.does(instance, flag)
    [report] = await stored(instance)
    status = await seeing.status(instance, post)
    assert status is not None
    assert (report.target_account_id, report.status_ids) == (alice.id, [status.id])
    assert (report.comment, report.uri, report.forwarded) == ("spam!", flag["id"], False)
    assert report.account_id == (await seeing.known(instance, server.uri)).id
    assert await seeing.seen(instance, None, post) is not None


async def test_posts_alone_are_enough_and_each_account_gets_its_report(
    instance: Instance, alice: Account, server: Person
) -> None:
    async with instance.easel.database.write() as tx:
        carol = await accounts.create_local(tx, "carol")
    posts = [await seeing.publish(instance, author) for author in (alice, carol)]
    await server.does(instance, server.activity("Flag", posts))
    assert {report.target_account_id for report in await stored(instance)} == {alice.id, carol.id}


async def test_what_is_not_ours_is_not_reported_here(
    instance: Instance, alice: Account, server: Person
) -> None:
    for object_ in ([server.uri], server.uri, f"{instance.url}/users/nobody"):
        await server.does(instance, server.activity("Flag", object_, content="spam"))
    assert await stored(instance) == []


async def test_a_report_of_ours_goes_to_the_server_of_the_account_without_a_name(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    mallory = internet.person("mallory", "evil")
    await seeing.befriend(instance, alice, mallory)
    note = mallory.note()
    await mallory.does(instance, mallory.create(note))
    target, status = (
        await seeing.known(instance, mallory.uri),
        await seeing.status(instance, note["id"]),
    )
    assert status is not None
    async with instance.easel.database.write() as tx:
        await reports.make(tx, alice, target, "spam", [status])
        await reports.make(tx, alice, target, "between us", forward=False)
    await instance.run_jobs()
    [flag] = internet.got(mallory.inbox)
    assert flag["type"] == "Flag"
    assert flag["actor"] == f"{instance.url}/actor"
    assert flag["object"] == [mallory.uri, note["id"]]
    assert flag["content"] == "spam"
    assert alice.uri not in str(flag)
    assert [report.forwarded for report in await stored(instance)] == [True, False]


async def test_a_report_needs_a_reason_and_somebody_else(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = await remote.account(instance.easel, internet.person("bob").uri)
    post = await seeing.publish(instance, alice)
    mine = await seeing.status(instance, post)
    assert mine is not None
    async with instance.easel.database.write() as tx:
        for target, comment, posts in (
            (alice, "spam", []),
            (bob, " ", []),
            (bob, "spam", [mine]),
        ):
            with pytest.raises(Invalid):
                await reports.make(tx, alice, target, comment, posts)


async def test_reports_of_a_domain_are_not_heard_if_a_rule_says_so(
    instance: Instance, internet: Internet, alice: Account, server: Person
) -> None:
    async with instance.easel.database.write() as tx:
        tx.add(
            DomainRule(domain=server.host, severity="none", reject_reports=True, created_at=tx.now)
        )
    await server.does(instance, server.activity("Flag", [alice.uri], content="spam"))
    assert await stored(instance) == []
