"""Another email address: by the page and by an app, what the mails say, and who cannot have one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from fedi.clock import FakeClock
from fedi.database.tables import Login
from tests import rig
from tests.api.apps import App
from tests.api.oauth.person import PASSWORD, Person, Seen, at, join
from tests.mail.test_mail import ALICE, SECURITY, ask_reset
from tests.mailbox import Mail, Mailbox

NEW = "new@mail.example"


@pytest.fixture
async def instance(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock, mailbox: Mailbox
) -> AsyncIterator[rig.Instance]:
    async with rig.serve_instance(
        tmp_path,
        new_database(),
        clock=clock,
        mail=mailbox.settings,
        registrations={"blocked_email_domains": ["blocked.example"]},
    ) as instance:
        yield instance


async def ask(visitor: Person, email: str = NEW, password: str = PASSWORD) -> Seen:
    seen = await visitor.get(SECURITY)
    typed = {"email": email, "password": password}
    return await visitor.submit(seen, f"{SECURITY}/email", **typed)


async def mails(instance: rig.Instance, mailbox: Mailbox) -> dict[str, Mail]:
    """What arrives: one mail to each."""
    await instance.run_jobs()
    found = {mail.to[0]: mail for mail in mailbox.mails}
    assert len(found) == len(mailbox.mails)
    mailbox.mails.clear()
    return found


async def email_of(instance: rig.Instance, account_id: int) -> str | None:
    async with instance.easel.database.read() as session:
        return (await session.get_one(Login, account_id)).email


async def test_a_new_address_counts_once_its_link_was_followed(
    instance: rig.Instance, mailbox: Mailbox
) -> None:
    alice = await join(instance, email=ALICE)
    async with at(instance) as visitor, at(instance) as elsewhere:
        await visitor.sign_in("alice")
        assert (await ask(visitor, " New@Mail.example ")).status == 200
        told = await mails(instance, mailbox)
        assert set(told) == {ALICE, NEW} and "wants another" in told[ALICE].text
        assert await email_of(instance, alice.id) == ALICE
        path = told[NEW].link("/change-email")
        seen = await elsewhere.get(path)
        assert NEW in seen.page.text and "@alice" in seen.page.text
        done = await elsewhere.submit(seen, "/change-email")
        assert done.status == 200 and "changed" in done.page.text
        assert await email_of(instance, alice.id) == NEW
        assert (await elsewhere.submit(seen, "/change-email")).status == 404
        assert (await elsewhere.get(path)).status == 404
        told = await mails(instance, mailbox)
        assert set(told) == {ALICE} and "no longer" in told[ALICE].subject
        await ask_reset(elsewhere, NEW)
        await ask_reset(elsewhere, ALICE)
        assert set(await mails(instance, mailbox)) == {NEW}


async def test_what_cannot_be_an_address_or_is_anothers_is_none(
    instance: rig.Instance, mailbox: Mailbox
) -> None:
    alice = await join(instance, email=ALICE)
    await join(instance, "bob", email="bob@mail.example")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        for email in ("nothing", ALICE, "x@blocked.example", "a@b.example\nBcc: c@d.example"):
            seen = await ask(visitor, email)
            assert seen.status == 422 and seen.page.one("p", role="alert").text
        assert (await ask(visitor, password="wrong horse battery")).status == 422
        assert await mails(instance, mailbox) == {}
        free = await ask(visitor)
        await mails(instance, mailbox)
        taken = await ask(visitor, "bob@mail.example")
        assert (free.status, free.page.text) == (taken.status, taken.page.text)
        told = await mails(instance, mailbox)
        assert set(told) == {ALICE, "bob@mail.example"}
        assert "It has one already: @bob" in " ".join(told["bob@mail.example"].text.split())
        for _ in range(3):
            seen = await ask(visitor)
        assert seen.status == 429
        instance.clock.advance(timedelta(hours=1))
        seen = await visitor.get(SECURITY)
        assert not [form for form in seen.page.all("form") if form["action"].endswith("/email")]
    assert await email_of(instance, alice.id) == ALICE


@pytest.mark.parametrize("sent", [True, False])
async def test_who_takes_the_account_back_ends_the_change(
    instance: rig.Instance, mailbox: Mailbox, sent: bool
) -> None:
    alice = await join(instance, email=ALICE)
    async with at(instance) as thief, at(instance) as owner:
        await ask_reset(owner, ALICE)
        told = await mails(instance, mailbox)
        reset = await owner.get(told[ALICE].link("/reset-password/new"))
        await thief.sign_in("alice")
        await ask(thief)
        path = ""
        if sent:
            path = (await mails(instance, mailbox))[NEW].link("/change-email")
            page = await thief.get(path)
        await owner.submit(reset, "/reset-password/new", new="a new password")
        if sent:
            assert (await thief.submit(page, "/change-email")).status == 404
        await instance.run_jobs()
        assert NEW not in {mail.to[0] for mail in mailbox.mails}
    assert await email_of(instance, alice.id) == ALICE


async def test_the_last_link_counts_for_a_day_and_for_nobody_elses_address(
    instance: rig.Instance, mailbox: Mailbox
) -> None:
    alice = await join(instance, email=ALICE)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        await ask(visitor, "first@mail.example")
        first = (await mails(instance, mailbox))["first@mail.example"].link("/change-email")
        await ask(visitor)
        assert (await visitor.get(first)).status == 404
        seen = await visitor.get((await mails(instance, mailbox))[NEW].link("/change-email"))
        await join(instance, "bob", email=NEW)  # somebody else was quicker
        assert (await visitor.submit(seen, "/change-email")).status == 404
        assert await email_of(instance, alice.id) == ALICE
        await ask(visitor, "last@mail.example")
        last = (await mails(instance, mailbox))["last@mail.example"].link("/change-email")
        instance.clock.advance(timedelta(hours=25))
        assert (await visitor.get(last)).status == 404


async def test_an_app_needs_the_password(
    instance: rig.Instance, mailbox: Mailbox, browser: aiohttp.ClientSession
) -> None:
    await join(instance, email=ALICE)
    alice = await App.of(instance, browser, "alice")
    reader = await App.of(instance, browser, "alice", "read")
    path, asked = "/api/easel/v1/email", {"email": NEW, "password": PASSWORD}
    assert (await reader.post(path, asked)).status == 403
    for wrong in ({"password": "wrong horse"}, {"password": ""}, {"email": 7}, {"password": None}):
        refused = await alice.post(path, {**asked, **wrong})
        assert refused.status == 422 and refused.error
    assert await mails(instance, mailbox) == {}
    assert (await alice.post(path, asked)).status == 202
    assert set(await mails(instance, mailbox)) == {ALICE, NEW}
