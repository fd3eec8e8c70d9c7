"""Mail: what is sent by a real server, what becomes of what it refuses, and what mails lead to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from sqlmodel import select

from fedi.clock import FakeClock
from fedi.database.tables import Account, Job, Login
from fedi.jobs import Runner
from fedi.mail.composing import Letter, compose
from fedi.settings import InstanceSettings, MailSettings
from fedi.social import accounts, attempts, follows, letters, mail_links, moves
from tests import rig
from tests.api.apps import App
from tests.api.oauth.person import PASSWORD, Client, Person, Seen, agree, at, join
from tests.listening import listening
from tests.mailbox import Mailbox
from tests.web.device import Device
from tests.web.test_signing_in import set_up_codes

ALICE = "alice@mail.example"
SECURITY = "/settings/security"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:{}) Gecko/20100101 Firefox/{}"


@pytest.fixture
async def instance(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock, mailbox: Mailbox
) -> AsyncIterator[rig.Instance]:
    async with rig.serve_instance(
        tmp_path, new_database(), clock=clock, mail=mailbox.settings
    ) as instance:
        yield instance


async def ask_reset(visitor: Person, email: str) -> Seen:
    seen = await visitor.get("/reset-password")
    return await visitor.submit(seen, "/reset-password", email=email)


async def jobs(instance: rig.Instance) -> list[Job]:
    async with instance.easel.database.read() as session:
        return list((await session.exec(select(Job).where(Job.kind == "mail"))).all())


async def test_a_new_password_by_mail_ends_every_session_and_works_once(
    instance: rig.Instance, mailbox: Mailbox, browser: aiohttp.ClientSession
) -> None:
    await join(instance, email=ALICE)
    client = await Client.register(instance, browser)
    async with at(instance) as thief, at(instance) as owner:
        await thief.sign_in("alice")
        _, made = await client.token(await agree(thief, client))
        assert "Look into your mail" in (await ask_reset(owner, " Alice@MAIL.example ")).page.text
        await instance.run_jobs()
        mail = mailbox.take(ALICE)
        path = mail.link("/reset-password/new")
        assert "@alice" in mail.text and mail.message["Auto-Submitted"] == "auto-generated"
        assert mail.message["List-Unsubscribe"] is None
        seen = await owner.get(path)
        assert seen.headers["Cache-Control"] == "no-store"
        short = await owner.submit(seen, "/reset-password/new", new="short")
        assert short.status == 422
        done = await owner.submit(seen, "/reset-password/new", new="a new password")
        assert done.status == 303 and done.location == "/sign-in"
        assert (await thief.get(SECURITY)).status == 303
        assert (await client.get("/oauth/userinfo", made["access_token"]))[0] == 401
        again = await owner.submit(seen, "/reset-password/new", new="another password")
        assert again.status == 404 and (await owner.get(path)).status == 404
        assert (await owner.sign_in("alice", PASSWORD)).status == 403
        assert (await owner.sign_in("alice", "a new password")).status == 303
        await instance.run_jobs()
        assert "was changed" in mailbox.take(ALICE).subject


async def test_who_takes_an_account_back_is_told_of_a_passkey_and_leaves_none(
    instance: rig.Instance, mailbox: Mailbox
) -> None:
    await join(instance, email=ALICE)
    device = Device()
    async with at(instance) as thief, at(instance) as again, at(instance) as owner:
        await thief.sign_in("alice")
        assert (await device.add(thief, "My <b>phone</b>")).status == 303
        await instance.run_jobs()
        mail = mailbox.take(ALICE)
        assert "A new passkey" in mail.subject
        assert "My <b>phone</b>" in mail.text and "My &lt;b&gt;phone" in mail.html
        assert (await device.sign_in(again)).status == 303
        assert (await again.get(SECURITY)).status == 200
        seen = await owner.get(mail.link("/reset-password"))
        await owner.submit(seen, "/reset-password", email=ALICE)
        await instance.run_jobs()
        seen = await owner.get(mailbox.take(ALICE).link("/reset-password/new"))
        await owner.submit(seen, "/reset-password/new", new="a new password")
        assert (await again.get(SECURITY)).status == 303
        assert (await device.sign_in(again)).status == 403


@pytest.mark.parametrize("days", [6, 8])
async def test_codes_that_an_intruder_switched_on_end_with_a_password_by_mail(
    instance: rig.Instance, mailbox: Mailbox, days: int
) -> None:
    await join(instance, email=ALICE)
    async with at(instance) as thief, at(instance) as owner:
        await thief.sign_in("alice")
        await set_up_codes(thief)
        await instance.run_jobs()
        mail = mailbox.take(ALICE)
        assert "switched on" in mail.subject and "within 7 days" in " ".join(mail.text.split())
        instance.clock.advance(timedelta(days=days))
        await ask_reset(owner, ALICE)
        await instance.run_jobs()
        seen = await owner.get(mailbox.take(ALICE).link("/reset-password/new"))
        await owner.submit(seen, "/reset-password/new", new="a new password")
        done = await owner.sign_in("alice", "a new password")
        await instance.run_jobs()
        told = {mail.subject.partition(" at ")[0] for mail in mailbox.mails}
        # Who has the mail of somebody alone gets in nowhere that has had codes for a while.
        assert ("/sign-in/code" in done.location) is (days == 8)
        assert ("One-time codes were switched off" in told) is (days == 6)


async def test_a_secret_that_an_intruder_saw_is_offered_to_nobody_else(
    instance: rig.Instance, mailbox: Mailbox
) -> None:
    await join(instance, email=ALICE)
    async with at(instance) as thief, at(instance) as owner:
        await thief.sign_in("alice")
        seen = (await thief.get(f"{SECURITY}/codes")).page.one("code").text
        await ask_reset(owner, ALICE)
        await instance.run_jobs()
        page = await owner.get(mailbox.take(ALICE).link("/reset-password/new"))
        await owner.submit(page, "/reset-password/new", new="a new password")
        await owner.sign_in("alice", "a new password")
        assert (await owner.get(f"{SECURITY}/codes")).page.one("code").text != seen


async def test_who_needs_no_codes_any_more_is_told(
    instance: rig.Instance, mailbox: Mailbox
) -> None:
    await join(instance, email=ALICE)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        await set_up_codes(visitor)
        seen = await visitor.get(SECURITY)
        for _ in range(2):  # once they are off, nothing is switched off
            assert (await visitor.submit(seen, f"{SECURITY}/codes/off")).status == 303
    await instance.run_jobs()
    told = {mail.subject.partition(" at ")[0] for mail in mailbox.mails}
    assert len(mailbox.mails) == 2  # one is that they were switched on
    assert told == {"One-time codes were switched on", "One-time codes were switched off"}


async def test_who_is_moved_elsewhere_is_told(
    instance: rig.Instance, mailbox: Mailbox, browser: aiohttp.ClientSession
) -> None:
    alice = await join(instance, email=ALICE)
    other = await join(instance, "other")
    async with instance.easel.database.write() as tx:
        await moves.add_alias(tx, await tx.get_one(Account, other.id), alice)
    app = await App.of(instance, browser, "alice")
    move = {"type": "Move", "object": alice.uri, "target": other.uri}
    assert (await app.submit(move)).status == 201
    await instance.run_jobs()
    mail = mailbox.take(ALICE)
    assert mail.subject == "Your account at Test Easel was moved"
    assert "@alice at" in mail.text and "> other" in mail.text
    assert mail.link("/reset-password")


async def test_a_link_holds_for_a_while_and_for_the_address_that_it_was_sent_to(
    instance: rig.Instance, mailbox: Mailbox
) -> None:
    account = await join(instance, email=ALICE)
    async with at(instance) as visitor:
        await ask_reset(visitor, ALICE)
        await instance.run_jobs()
        path = mailbox.take(ALICE).link("/reset-password/new")
        instance.clock.advance(mail_links.LIFE["reset"] - timedelta(seconds=1))
        assert (await visitor.get(path)).status == 200
        async with instance.easel.database.write() as tx:
            login = await tx.get_one(Login, account.id)
            login.email = "elsewhere@mail.example"
            tx.add(login)
        assert (await visitor.get(path)).status == 404
        async with instance.easel.database.write() as tx:
            login = await tx.get_one(Login, account.id)
            login.email = ALICE
            tx.add(login)
        instance.clock.advance(timedelta(seconds=1))
        assert (await visitor.get(path)).status == 404
        for odd in ("", "x", "x" * 5000, "%00"):
            seen = await visitor.get(f"/reset-password/new?token={odd}")
            assert seen.status in {400, 404}


async def test_who_asks_for_a_new_password_learns_of_nobody(
    instance: rig.Instance, mailbox: Mailbox
) -> None:
    await join(instance, email=ALICE)
    told = set()
    async with at(instance) as visitor:
        for email in (ALICE, "nobody@mail.example", "alice", "x\r\nBcc: y@z.example", ""):
            seen = await ask_reset(visitor, email)
            told.add((seen.status, seen.page.text))
        assert len(told) == 1
        # As much is written down for the one as for the other, so it takes as long.
        assert len(await jobs(instance)) == 5
        await instance.run_jobs()
        mailbox.take(ALICE)
        assert await jobs(instance) == []
        for _ in range(attempts.MAILS_OF_ACCOUNT.times):
            seen = await ask_reset(visitor, "nobody@mail.example")
        assert seen.status == 429


async def test_a_browser_that_was_never_seen_is_told_of_and_an_update_is_not(
    instance: rig.Instance, mailbox: Mailbox
) -> None:
    await join(instance, email=ALICE)
    for agent, told in (
        (FIREFOX.format("145.0", "145.0"), False),  # the first one at all
        (FIREFOX.format("146.0", "146.0"), False),
        ("Chrome <b>\x7f", True),
        ("Chrome <b>\x7f", False),
    ):
        async with at(instance) as visitor:
            visitor.session.headers["User-Agent"] = agent.replace("\x7f", "")
            assert (await visitor.sign_in("alice")).status == 303
        await instance.run_jobs()
        if told:
            mail = mailbox.take(ALICE)
            assert "Chrome <b>" in mail.text and "Chrome &lt;b&gt;" in mail.html
        assert mailbox.mails == []


async def test_who_wants_a_digest_gets_what_was_not_read_until_they_have_enough(
    instance: rig.Instance, mailbox: Mailbox, browser: aiohttp.ClientSession
) -> None:
    alice = await join(instance, email=ALICE)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get(SECURITY)
        assert (await visitor.submit(seen, f"{SECURITY}/digest", digest="hourly")).status == 400
        assert (await visitor.submit(seen, f"{SECURITY}/digest", digest="daily")).status == 303
    instance.clock.advance(timedelta(days=1))
    await instance.run_jobs()
    assert mailbox.mails == []  # nothing happened
    async with instance.easel.database.write() as tx:
        bob = await accounts.create_local(tx, "bob")
        await follows.request(tx, bob, await tx.get_one(type(alice), alice.id))
    await instance.run_jobs()
    assert mailbox.mails == []  # and it is not yet time
    instance.clock.advance(timedelta(hours=23, minutes=59))
    await instance.run_jobs()
    instance.clock.advance(timedelta(minutes=20))
    await instance.run_jobs()
    mail = mailbox.take(ALICE)
    assert "@bob follows you" in mail.text
    off = mail.link("/mail/digests/off")
    assert mail.message["List-Unsubscribe"] == f"<{instance.url}{off}>"
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    async with at(instance) as visitor:
        wrong = off[:-1] + ("0" if off[-1] != "0" else "1")
        assert (await visitor.post(wrong, {})).status == 404
        assert (await visitor.post(off.replace("account=", "account=1"), {})).status == 404
        assert (await visitor.get(off)).status == 200  # which switches nothing off
        async with instance.easel.database.read() as session:
            assert (await session.get_one(Login, alice.id)).digest == "daily"
        seen = await visitor.post(off, {"List-Unsubscribe": "One-Click"})
        assert seen.status == 200
    async with instance.easel.database.read() as session:
        assert (await session.get_one(Login, alice.id)).digest == ""


async def test_what_the_server_refuses_is_tried_again_or_given_up(
    instance: rig.Instance, mailbox: Mailbox
) -> None:
    account = await join(instance, email=ALICE)
    mailbox.answers = ["451 Later", "550 No such user"]
    async with instance.easel.database.write() as tx:
        await letters.write(tx, "password_changed", account_id=account.id)
    await instance.run_jobs()
    [job] = await jobs(instance)
    assert job.state == "ready" and "451" in job.error
    instance.clock.advance(timedelta(minutes=2))
    await instance.run_jobs()
    [job] = await jobs(instance)
    assert job.state == "dead" and "550" in job.error and mailbox.mails == []


async def test_a_server_that_is_away_or_cannot_show_who_it_is_gets_nothing(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock, mailbox: Mailbox
) -> None:
    with rig.free_socket() as sock:
        nowhere = mailbox.settings | {"port": sock.getsockname()[1]}
    unprotected = mailbox.settings | {"security": "starttls"}
    for number, mail in enumerate((nowhere, unprotected)):
        settings = rig.settings_for(tmp_path / str(number), new_database(), mail=mail)
        async with rig.opened(settings, clock) as easel:
            async with easel.database.write() as tx:
                account = await accounts.create_local(tx, "alice", email=ALICE)
                await letters.write(tx, "password_changed", account_id=account.id)
            await Runner(easel).run_once()
            async with easel.database.read() as session:
                [job] = (await session.exec(select(Job).where(Job.kind == "mail"))).all()
            assert job.state == "ready" and job.attempts == 1 and job.error
    assert mailbox.mails == []


async def test_without_a_server_mail_goes_into_the_log(
    new_database: rig.NewDatabase,
    tmp_path: Path,
    clock: FakeClock,
) -> None:
    async with rig.serve_instance(tmp_path, new_database(), clock=clock) as instance:
        await join(instance, email=ALICE)
        async with at(instance) as visitor:
            await ask_reset(visitor, ALICE)
            with listening() as logged:
                await instance.run_jobs()
    [written] = [entry for entry in logged if entry["event"] == "mail_not_sent"]
    assert written["to"] == ALICE and "/reset-password/new?token=" in written["text"]


def test_nothing_that_is_written_becomes_a_header_or_another_recipient() -> None:
    hostile = "x\r\nBcc: all@victims.example\r\n\r\nHello"
    instance = InstanceSettings(name=hostile, url="https://easel.example")
    settings = MailSettings(host="h", sender="easel@easel.example")
    letter = Letter(subject=hostile, paragraphs=[hostile], quoted=hostile, lines=[hostile])
    now = FakeClock().now()
    message = compose(letter, ALICE, instance, settings, now)
    written = message.as_bytes().decode()
    head = written.partition("\r\n\r\n")[0]
    assert "\nBcc" not in head and message["To"] == ALICE and message["Bcc"] is None
    assert message.get_content_type() == "multipart/alternative"
    for to in (f"{ALICE}\r\nBcc: b@c.example", "a@b.example, c@d.example", "", "a" * 70_000):
        with pytest.raises((ValueError, IndexError)):
            compose(letter, to, instance, settings, now)
    for wrong in ({"sender": "nobody"}, {"sender": "a@b\r\nBcc: c@d"}, {"host": "a\nb"}):
        with pytest.raises(ValueError, match=r"one line|email address"):
            MailSettings(**({"host": "h", "sender": "a@b.example"} | wrong))  # type: ignore[arg-type]
