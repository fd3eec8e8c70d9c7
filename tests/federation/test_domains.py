"""Rules about domains, kept everywhere: at the inbox, when fetching, delivering and showing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select
from typer.testing import CliRunner

from fedi.cli import app, context
from fedi.database.tables import Account, DomainRule
from fedi.federation import remote
from fedi.social import accounts, domains, follows, timelines
from fedi.social.errors import Invalid, NotFound
from tests import rig
from tests.federation import seeing
from tests.federation.peer import ACTIVITY_JSON, Internet, Person
from tests.rig import Instance


async def rule(instance: Instance, domain: str, severity: str = "suspend", **more: Any) -> None:
    limited = instance.easel.settings.federation.mode == "limited"
    async with instance.easel.database.write() as tx:
        made = DomainRule(domain=domain, severity=severity, **more)
        await domains.put(tx, [made], limited=limited)


async def lift(instance: Instance, domain: str) -> None:
    async with instance.easel.database.write() as tx:
        await domains.remove(tx, domain, limited=False)


async def public(instance: Instance) -> list[str]:
    async with instance.easel.database.read() as session:
        return [status.uri for status in await timelines.public(session, None, timelines.Page())]


async def friends(instance: Instance, alice: Account, bob: Person) -> str:
    """Alice and bob follow each other, and bob has posted; the id of the post."""
    await bob.does(instance, bob.activity("Follow", alice.uri))
    uri = await seeing.follow(instance, alice, bob.uri)
    await bob.does(instance, bob.activity("Accept", uri))
    note = bob.note("<p>hello</p>")
    await bob.does(instance, bob.create(note))
    assert await seeing.home(instance, alice) == [note["id"]]
    bob.internet.posted.clear()
    return str(note["id"])


@pytest.mark.parametrize("domain", ["evil.localhost", "localhost"])
async def test_a_suspended_domain_is_refused_before_its_key_is_fetched(
    instance: Instance, internet: Internet, alice: Account, domain: str
) -> None:
    await rule(instance, domain)
    mallory = internet.person("mallory", "evil")
    assert await mallory.send(instance, mallory.activity("Follow", alice.uri)) == 403
    named = mallory.activity("Follow", alice.uri, actor=alice.uri)  # by its key alone, too
    assert await mallory.send(instance, named) == 403
    gone = mallory.activity("Delete", mallory.uri)
    assert await mallory.send(instance, gone) == 403
    assert internet.asked.total() == 0
    assert await seeing.jobs(instance) == []


async def test_nothing_of_a_suspended_domain_is_fetched_even_round_a_corner(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    mallory = internet.person("mallory", "evil")
    note = mallory.note()
    internet.show(note["id"], note)
    corner = f"http://{internet.host('corner')}/notes/1"
    internet.redirect(corner, note["id"])
    await rule(instance, "evil.localhost")
    for name in (mallory.uri, f"@{mallory.handle}"):
        with pytest.raises(NotFound):
            await remote.resolve(instance.easel, name)
    bob = internet.person("bob")
    await seeing.follow(instance, alice, bob.uri)
    before = internet.asked.copy()
    for uri in (note["id"], corner):
        await bob.does(instance, bob.activity("Announce", uri))
    asked = internet.asked - before
    assert not [url for url in asked if "//evil." in url]
    assert await seeing.status(instance, note["id"]) is None


async def test_suspending_a_domain_hides_it_and_cuts_every_tie(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob, carol = internet.person("bob", "evil"), internet.person("carol")
    note = await friends(instance, alice, bob)
    await carol.does(instance, carol.activity("Follow", alice.uri))
    internet.posted.clear()
    await rule(instance, "evil.localhost")
    await instance.run_jobs()
    assert await seeing.seen(instance, alice, note) is None
    assert await seeing.home(instance, alice) == await public(instance) == []
    assert await seeing.followers(instance, alice) == [carol.uri]
    assert await seeing.following(instance, alice) == []
    current = await seeing.known(instance, alice.uri)
    assert (current.followers_count, current.following_count) == (1, 0)
    assert internet.got(bob.inbox) == []
    await seeing.publish(instance, alice, f"hello @{bob.handle}")
    await instance.run_jobs()
    assert internet.got(bob.inbox) == [] and len(internet.got(carol.inbox)) == 1
    async with instance.easel.database.write() as tx:
        target = await accounts.by_uri(tx, bob.uri)
        assert target is not None
        with pytest.raises(Invalid):
            await follows.request(tx, alice, target)
    await lift(instance, "evil.localhost")
    assert await seeing.seen(instance, alice, note) is not None
    assert await seeing.following(instance, alice) == []


async def test_what_waits_for_a_suspended_domain_is_not_sent(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob", "evil")
    await bob.does(instance, bob.activity("Follow", alice.uri))
    internet.answer(bob.inbox, 500)
    await seeing.publish(instance, alice)
    await instance.run_jobs()
    internet.posted.clear()
    await rule(instance, "evil.localhost")
    instance.clock.advance(timedelta(hours=1))
    await instance.run_jobs()
    assert internet.posted == [] and await seeing.jobs(instance) == []


async def test_who_is_silenced_is_seen_by_those_who_follow(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob", "loud")
    async with instance.easel.database.write() as tx:
        zoe = await accounts.create_local(tx, "zoe")
    note = await friends(instance, alice, bob)
    await rule(instance, "loud.localhost", "silence")
    new = internet.person("new", "loud")  # not known before the rule
    shout = bob.note("<p>@zoe</p>", to=[zoe.uri, "as:Public"])
    await bob.does(instance, bob.create(shout))
    await new.does(instance, new.activity("Follow", zoe.uri))
    await new.does(instance, new.create(new.note(to=[zoe.uri, "as:Public"])))
    assert await seeing.notices(instance, zoe) == ["follow_request"]
    assert await seeing.followers(instance, zoe) == []
    assert await public(instance) == []
    assert note in await seeing.home(instance, alice)
    assert await seeing.seen(instance, None, note) is not None
    said = bob.note("<p>@alice</p>", to=[alice.uri, "as:Public"])
    await bob.does(instance, bob.create(said))
    assert "mention" in await seeing.notices(instance, alice)
    await lift(instance, "loud.localhost")
    assert note in await public(instance)


async def test_pictures_of_a_domain_can_be_left_out(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    icon = {"type": "Image", "url": f"http://{internet.host('ugly')}/a.png"}
    bob = internet.person("bob", "ugly", icon=icon)
    await rule(instance, "ugly.localhost", "none", reject_media=True)
    await friends(instance, alice, bob)
    picture = {"type": "Document", "mediaType": "image/png", "url": icon["url"]}
    note = bob.note("<p>look</p>", attachment=[picture])
    await bob.does(instance, bob.create(note))
    instance.clock.advance(timedelta(seconds=5))
    edited = {**note, "content": "<p>look!</p>", "updated": "2999-01-01T00:00:00Z"}
    await bob.does(instance, bob.activity("Update", edited))
    seen = await seeing.seen(instance, alice, note["id"])
    assert seen is not None and seen.media == [] and "look!" in seen.status.content
    assert (await seeing.known(instance, bob.uri)).avatar is None


async def test_the_most_specific_rule_counts(instance: Instance) -> None:
    await rule(instance, "example.com")
    await rule(instance, "good.example.com", "none", reject_reports=True)
    rules = await domains.of(instance.easel)
    suspended = {
        name: rules.suspended(name)
        for name in (
            "example.com", "a.example.com", "example.com:8443", "good.example.com",
            "x.good.example.com", "notexample.com", "com", "example.com.evil", None,
        )
    }  # fmt: skip
    assert [name for name, is_suspended in suspended.items() if is_suspended] == [
        "example.com", "a.example.com", "example.com:8443",
    ]  # fmt: skip
    async with instance.easel.database.read() as session:
        assert await domains.rejects_reports(session, "x.good.example.com")
        assert await domains.rejects_reports(session, "b.example.com")
        assert not await domains.rejects_reports(session, "other.example")


async def test_another_process_keeps_a_new_rule(instance: Instance, tmp_path: Path) -> None:
    database = instance.easel.settings.database.url
    async with rig.opened(rig.settings_for(tmp_path, database), instance.clock) as other:
        assert not (await domains.of(other)).suspended("evil.example")
        await rule(instance, "evil.example")
        instance.clock.advance(timedelta(seconds=3))

        async def told() -> bool:
            return (await domains.of(other)).suspended("evil.example")

        await rig.until(told)
        assert other.client.refuses("evil.example")


async def test_a_moderators_word_about_one_person_outlives_the_rule(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob", "evil")
    await bob.does(instance, bob.activity("Follow", alice.uri))
    async with instance.easel.database.write() as tx:
        account = await accounts.by_uri(tx, bob.uri)
        assert account is not None
        account.suspended_at = tx.now
    await rule(instance, "evil.localhost", "silence")
    await lift(instance, "evil.localhost")
    assert (await seeing.known(instance, bob.uri)).suspended_at is not None


async def test_a_limited_instance_talks_only_to_those_it_knows(
    new_database: rig.NewDatabase, tmp_path: Path, internet: Internet
) -> None:
    async with rig.serve_instance(
        tmp_path, new_database(), clock=internet.clock, federation={"mode": "limited"}
    ) as closed:
        async with closed.easel.database.write() as tx:
            alice = await accounts.create_local(tx, "alice")
            await domains.allow(tx, "friend.localhost", limited=True)
        bob, carol = internet.person("bob", "friend"), internet.person("carol", "stranger")
        assert await carol.send(closed, carol.activity("Follow", alice.uri)) == 403
        await bob.does(closed, bob.activity("Follow", alice.uri))
        assert await seeing.followers(closed, alice) == [bob.uri]
        with pytest.raises(NotFound):
            await remote.resolve(closed.easel, carol.uri)
        assert (await bob.get(alice.uri))[0] == 200
        assert (await carol.get(alice.uri))[0] == 403
        async with closed.easel.database.write() as tx:
            await domains.disallow(tx, "friend.localhost", limited=True)
        assert await seeing.followers(closed, alice) == []
        assert await bob.send(closed, bob.activity("Follow", alice.uri)) == 403


async def test_rules_of_the_settings_come_and_go_with_them(
    new_database: rig.NewDatabase, tmp_path: Path, internet: Internet
) -> None:
    database, bob = new_database(), internet.person("bob", "evil")
    with rig.free_socket() as sock:
        port = int(sock.getsockname()[1])

    def up(**federation: Any) -> AbstractAsyncContextManager[Instance]:
        return rig.serve_instance(
            tmp_path,
            database,
            clock=internet.clock,
            federation=federation,
            sock=rig.socket_on(port),
        )

    async def rules(here: Instance) -> list[tuple[str, str, bool, bool]]:
        async with here.easel.database.read() as session:
            rows = (await session.exec(select(DomainRule).order_by(col(DomainRule.domain)))).all()
        return [(row.domain, row.severity, row.reject_media, row.reject_reports) for row in rows]

    async with up() as here:
        async with here.easel.database.write() as tx:
            alice = await accounts.create_local(tx, "alice")
        await bob.does(here, bob.activity("Follow", alice.uri))
        await rule(here, "other.localhost", "silence")
    lists = {"silence": ["Quiet.localhost"], "reject_media": ["quiet.localhost", "evil.localhost"]}
    async with up(reject=["evil.localhost"], reject_reports=["loud.localhost"], **lists) as here:
        assert await rules(here) == [
            ("evil.localhost", "suspend", True, False),
            ("loud.localhost", "none", False, True),
            ("other.localhost", "silence", False, False),
            ("quiet.localhost", "silence", True, False),
        ]
        assert await seeing.followers(here, alice) == []
        assert await bob.send(here, bob.activity("Follow", alice.uri)) == 403
        await lift(here, "evil.localhost")
    async with up(reject=["evil.localhost"]) as here:
        assert [name for name, *_ in await rules(here)] == ["evil.localhost", "other.localhost"]
        assert await bob.send(here, bob.activity("Follow", alice.uri)) == 403
    async with up() as here:
        assert [name for name, *_ in await rules(here)] == ["other.localhost"]
        await bob.does(here, bob.activity("Follow", alice.uri))
        assert await seeing.followers(here, alice) == [bob.uri]


PATHS = ("", "/outbox", "/followers", "/following", "/collections/featured", "/statuses/{key}",
         "/statuses/{key}/activity", "/statuses/{key}/replies", "/statuses/{key}/likes",
         "/statuses/{key}/shares")  # fmt: skip


async def test_authorised_fetch_asks_everybody_who_they_are(
    new_database: rig.NewDatabase, tmp_path: Path, internet: Internet
) -> None:
    async with (
        rig.serve_instance(
            tmp_path, new_database(), clock=internet.clock, federation={"authorized_fetch": True}
        ) as strict,
        rig.open_browser(headers={"Accept": ACTIVITY_JSON}) as browser,
    ):
        async with strict.easel.database.write() as tx:
            alice = await accounts.create_local(tx, "alice")
        key = (await seeing.publish(strict, alice)).rpartition("/")[2]
        bob, mallory = internet.person("bob"), internet.person("mallory", "evil")
        await rule(strict, "evil.localhost")
        for path in PATHS:
            url = alice.uri + path.format(key=key)
            async with browser.get(url) as answer:
                assert answer.status == 401, path
                assert "Signature" in answer.headers["Vary"]
                assert "error" in await answer.json()
            async with browser.get(url, headers=bob.signature("GET", alice.uri + "/x")) as answer:
                assert answer.status == 401, path
            async with browser.get(url, headers=bob.signature("GET", url)) as answer:
                assert answer.status == 200, path
                assert answer.headers["Cache-Control"] == "private, no-store"
            assert (await mallory.get(url))[0] == 403
        webfinger = f"/.well-known/webfinger?resource=acct:alice@{strict.domain}"
        for path in ("/actor", webfinger, "/.well-known/nodeinfo"):
            async with browser.get(strict.url + path) as answer:
                assert answer.status == 200
        async with browser.get(alice.url, headers={"Accept": "text/html"}) as answer:
            assert answer.status == 200


async def test_an_open_instance_reads_nothing_to_who_is_suspended(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob", "evil")
    await bob.does(instance, bob.activity("Follow", alice.uri))
    assert (await bob.get(alice.uri))[0] == 200
    await rule(instance, "evil.localhost")
    assert (await bob.get(alice.uri))[0] == 403


@pytest.fixture
def command(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(context, "settings", lambda: instance.easel.settings)
    yield CliRunner()


LIST = """#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate
evil.localhost,suspend,false,false,"spam, and worse",true
loud.example,silence,True,false,,false
quiet.example,noop,true,true,,false
not a domain,suspend,false,false,,false
odd.example,explode,false,false,,false
"""


async def test_the_command_line_blocks_and_reads_and_writes_lists(
    instance: Instance, internet: Internet, alice: Account, command: CliRunner, tmp_path: Path
) -> None:
    async def easel(*arguments: str) -> str:
        result = await asyncio.to_thread(command.invoke, app, ["domain", *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    (tmp_path / "list.csv").write_text("\ufeff" + LIST, encoding="utf-8")
    said = await easel("import", str(tmp_path / "list.csv"))
    assert "3 rules made" in said and "Line 5" in said and "Line 6" in said
    written = await easel("export")
    assert written == (
        "#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\n"
        'evil.localhost,suspend,false,false,"spam, and worse",true\n'
        "loud.example,silence,true,false,,false\n"
        "quiet.example,noop,true,true,,false\n"
    )
    shown = await easel("list")
    assert "evil.localhost" in shown and "silence" in shown
    mallory = internet.person("mallory", "evil")
    behind = datetime.now(UTC) - instance.clock.now()
    instance.clock.advance(max(behind, timedelta()) + timedelta(seconds=3))
    assert await mallory.send(instance, mallory.activity("Follow", alice.uri)) == 403
    await easel("unblock", "evil.localhost")
    await easel("block", "other.example", "--severity", "silence", "--no-media")
    await easel("allow", "friend.example")
    assert "friend.example" in await easel("list")
    await easel("disallow", "friend.example")
    instance.clock.advance(timedelta(seconds=3))
    await mallory.does(instance, mallory.activity("Follow", alice.uri))
    result = await asyncio.to_thread(command.invoke, app, ["domain", "unblock", "no.example"])
    assert isinstance(result.exception, NotFound)
