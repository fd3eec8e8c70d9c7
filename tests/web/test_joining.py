"""Making an account on our pages: who may come, what is asked, and what the mails lead to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlmodel import select

from fedi.clock import FakeClock
from fedi.database.tables import Account, IpBlock, Login
from fedi.social import accounts, attempts, email_addresses, invites, ip_blocks, registration, rules
from tests import rig
from tests.api.oauth.person import PASSWORD, Person, Seen, at, join
from tests.mailbox import Mailbox

EMAIL = "new@mail.example"


@pytest.fixture
async def serve(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock, mailbox: Mailbox
) -> Any:
    @asynccontextmanager
    async def serving(mode: str, **more: Any) -> AsyncIterator[rig.Instance]:
        async with rig.serve_instance(
            tmp_path,
            new_database(),
            clock=clock,
            mail=mailbox.settings,
            registrations={"mode": mode, **more},
        ) as instance:
            yield instance

    return serving


async def sign_up(visitor: Person, path: str = "/sign-up", **typed: str) -> Seen:
    seen = await visitor.get(path)
    assert seen.status == 200
    fields = {"username": "newbie", "email": EMAIL, "password": PASSWORD, "agreement": "1"}
    return await visitor.submit(seen, "/sign-up", **(fields | typed))


async def confirm(visitor: Person, path: str) -> Seen:
    seen = await visitor.get(path)
    assert seen.status == 200, seen.body
    return await visitor.submit(seen, "/confirm-email")


async def shown(instance: rig.Instance, browser: aiohttp.ClientSession, name: str) -> set[int]:
    """What all the ways to look at somebody answer."""
    handle = f"{name}@{instance.domain}"
    found = set()
    for path, accept in (
        (f"/@{name}", "text/html"),
        (f"/users/{name}", "application/activity+json"),
        (f"/users/{name}/outbox", "application/activity+json"),
        (f"/.well-known/webfinger?resource=acct:{handle}", "*/*"),
        (f"/api/v1/accounts/lookup?acct={name}", "*/*"),
    ):
        async with browser.get(instance.url + path, headers={"Accept": accept}) as answer:
            found.add(answer.status)
    return found


async def login_of(instance: rig.Instance, name: str) -> tuple[Account, Login]:
    async with instance.easel.database.read() as session:
        account = await accounts.by_handle(session, name)
        assert account is not None
        return account, await session.get_one(Login, account.id)


async def test_who_is_closed_takes_nobody(serve: Any) -> None:
    async with serve("closed") as instance, at(instance) as visitor:
        seen = await visitor.get("/sign-up")
        assert seen.page.all("form") == [] and registration.CLOSED in seen.page.text
        assert "/sign-up" not in (await visitor.get("/sign-in")).body
        key = (await visitor.get("/reset-password")).page.one("form").all("input")[0]["value"]
        fields = {"username": "newbie", "email": EMAIL, "password": PASSWORD, "agreement": "1"}
        refused = await visitor.post("/sign-up", fields | {"form_key": key})
        assert refused.status == 403 and registration.CLOSED in refused.body


async def test_somebody_comes_in_by_the_link_of_a_mail_and_is_seen_by_nobody_before(
    serve: Any, mailbox: Mailbox, browser: aiohttp.ClientSession
) -> None:
    async with serve("open") as instance, at(instance) as visitor:
        seen = await sign_up(visitor)
        assert seen.status == 200 and "Look into your mail" in seen.page.text
        assert await shown(instance, browser, "newbie") == {404}
        await instance.run_jobs()
        mail = mailbox.take(EMAIL)
        assert mail.sender == "easel@test.example" and "@newbie" in mail.text
        assert mail.link("/confirm-email") in mail.html.replace("&amp;", "&")
        refused = await visitor.sign_in("newbie")
        assert refused.status == 403 and "Confirm your email address" in refused.page.text
        # A program that looks through mail follows the link, and confirms nothing.
        path = mail.link("/confirm-email")
        assert (await visitor.get(path)).status == 200
        assert (await visitor.sign_in("newbie")).status == 403
        seen = await confirm(visitor, path)
        assert seen.status == 303 and seen.location == "/sign-in"
        assert await shown(instance, browser, "newbie") == {200}
        assert (await visitor.sign_in(EMAIL)).status == 303
        assert (await visitor.get(path)).status == 404  # once


async def test_what_is_wrong_is_told_and_what_was_typed_stays_but_for_the_password(
    serve: Any,
) -> None:
    async with serve("open", blocked_email_domains=["spam.example"]) as instance:
        await join(instance, "alice")
        async with instance.easel.database.write() as tx:
            await email_addresses.block_domain(tx, "@worse.example")
            await rules.add(tx, "Be kind", "")
        async with at(instance) as visitor:
            for wrong in (
                {"username": ""},
                {"username": "alice"},
                {"username": "ALICE"},
                {"username": "admin"},
                {"username": "a b"},
                {"username": "x" * 31},
                {"username": "<b>"},
                {"email": ""},
                {"email": "nowhere"},
                {"email": "a@spam.example"},
                {"email": "a@below.worse.example"},
                {"email": "a@b.example\r\nBcc: all@b.example"},
                {"email": "a@b.example, c@b.example"},
                {"email": "a" * 250 + "@b.example"},
                {"password": "short"},
                {"password": "x" * 1001},
                {"agreement": ""},
                {"invite_code": "nothing"},
                {"reason": "x" * 1001},
            ):
                instance.clock.advance(timedelta(minutes=4))
                seen = await sign_up(visitor, **wrong)
                assert seen.status == 422, wrong
                assert seen.page.one(role="alert").text
                assert PASSWORD not in seen.body and "Be kind" in seen.page.text
                if "username" not in wrong:
                    [typed] = [e for e in seen.page.all("input") if e["name"] == "username"]
                    assert typed["value"] == "newbie"
            async with instance.easel.database.read() as session:
                assert len((await session.exec(select(Login))).all()) == 1


async def test_an_address_that_has_an_account_is_told_as_any_other_and_its_owner_hears_of_it(
    serve: Any, mailbox: Mailbox
) -> None:
    async with serve("open") as instance, at(instance) as visitor:
        await join(instance, "alice", email="alice@mail.example")
        free = await sign_up(visitor)
        await instance.run_jobs()
        mailbox.take(EMAIL)
        taken = await sign_up(visitor, username="other", email="Alice@Mail.example")
        assert (free.status, free.page.text) == (taken.status, taken.page.text)
        await instance.run_jobs()
        mail = mailbox.take("alice@mail.example")
        assert "@alice" in mail.text and "confirm" not in mail.text
        assert (await visitor.sign_in("other")).status == 403
        # And what they asked for is gone after a while, with its name.
        instance.clock.advance(registration.UNCONFIRMED_KEPT + timedelta(hours=1))
        await instance.run_jobs()
        async with instance.easel.database.read() as session:
            assert await accounts.by_handle(session, "other") is None
            assert await accounts.by_handle(session, "alice") is not None


async def test_a_moderator_lets_in_who_has_said_why(serve: Any, mailbox: Mailbox) -> None:
    async with serve("approval") as instance, at(instance) as visitor:
        await join(instance, "maude", role="moderator", email="mod@mail.example")
        assert (await sign_up(visitor)).status == 422
        seen = await sign_up(visitor, reason="I paint.\nhttps://example.org <b>")
        assert seen.status == 200 and "moderator" in seen.page.text
        await instance.run_jobs()
        seen = await confirm(visitor, mailbox.take(EMAIL).link("/confirm-email"))
        assert seen.status == 200 and "moderator" in seen.page.text
        await instance.run_jobs()
        mail = mailbox.take("mod@mail.example")
        assert "> I paint." in mail.text and "&lt;b&gt;" in mail.html
        refused = await visitor.sign_in("newbie")
        assert refused.status == 403 and "waits for a moderator" in refused.page.text
        account, login = await login_of(instance, "newbie")
        async with instance.easel.database.write() as tx:
            account, login = (
                await tx.get_one(Account, account.id),
                await tx.get_one(Login, account.id),
            )
            await registration.approve(tx, account, login)
        await instance.run_jobs()
        assert "Welcome" in mailbox.take(EMAIL).subject
        assert (await visitor.sign_in("newbie")).status == 303


async def test_who_is_turned_away_hears_of_it_and_leaves_nothing(
    serve: Any, mailbox: Mailbox
) -> None:
    async with serve("approval", reason_required=False) as instance, at(instance) as visitor:
        await sign_up(visitor)
        await instance.run_jobs()
        await confirm(visitor, mailbox.take(EMAIL).link("/confirm-email"))
        account, _ = await login_of(instance, "newbie")
        async with instance.easel.database.write() as tx:
            await registration.turn_away(
                tx, await tx.get_one(Account, account.id), await tx.get_one(Login, account.id)
            )
        await instance.run_jobs()
        assert "@newbie" in mailbox.take(EMAIL).text
        async with instance.easel.database.read() as session:
            assert await accounts.by_handle(session, "newbie") is None
        assert (await sign_up(visitor)).status == 200  # the name is free


async def test_an_invitation_opens_the_door_as_often_and_as_long_as_it_says(
    serve: Any, mailbox: Mailbox
) -> None:
    async with serve("invite") as instance, at(instance) as visitor:
        async with instance.easel.database.write() as tx:
            once = await invites.create(tx, uses=1, lasts=timedelta(days=2))
            long = await invites.create(tx, lasts=timedelta(days=2))
            revoked = await invites.create(tx)
            await invites.revoke(tx, revoked.code)
        assert (await sign_up(visitor)).status == 422
        path = f"/sign-up?invite={once.code}"
        assert "You are invited" in (await visitor.get(path)).page.text
        assert (await sign_up(visitor, path)).status == 200
        for gone in (path, f"/sign-up?invite={revoked.code}", "/sign-up?invite=%00"):
            seen = await visitor.get(gone)
            assert "You are invited" not in seen.body
        again = await sign_up(visitor, username="second", invite_code=once.code)
        assert again.status == 422 and "invitation" in again.page.one(role="alert").text
        instance.clock.advance(timedelta(days=1))
        path = f"/sign-up?invite={long.code}"
        assert (await sign_up(visitor, path, username="third", email="c@d.example")).status == 200
        instance.clock.advance(timedelta(days=2))
        assert "You are invited" not in (await visitor.get(path)).body
        await instance.run_jobs()


async def test_who_is_too_young_stays_out(serve: Any) -> None:
    async with serve("open", minimum_age=16) as instance, at(instance) as visitor:
        today = instance.clock.now().date()
        young = today.replace(year=today.year - 16) + timedelta(days=1)
        for born in ("", "x", young.isoformat(), "1500-01-01", "9999-12-31"):
            assert (await sign_up(visitor, date_of_birth=born)).status == 422, born
        old = today.replace(year=today.year - 16).isoformat()
        assert (await sign_up(visitor, date_of_birth=old)).status == 200


async def test_too_many_from_one_address_wait_and_some_networks_stay_out(serve: Any) -> None:
    async with serve("open") as instance, at(instance) as visitor:
        for number in range(attempts.SIGN_UPS_OF_ADDRESS.times):
            seen = await sign_up(visitor, username=f"n{number}", email=f"n{number}@mail.example")
            assert seen.status == 200
        seen = await sign_up(visitor, username="more", email="more@mail.example")
        assert seen.status == 429 and int(seen.headers["Retry-After"]) > 0
        instance.clock.advance(timedelta(hours=1))
        async with instance.easel.database.write() as tx:
            await ip_blocks.put(tx, None, "127.0.0.0/8", "sign_up_requires_approval", "", None)
        assert (await sign_up(visitor, username="seen", email="seen@mail.example")).status == 200
        _, login = await login_of(instance, "seen")
        assert login.approved_at is None
        async with instance.easel.database.write() as tx:
            [row] = (await tx.exec(select(IpBlock))).all()
            await ip_blocks.put(tx, row, "127.0.0.1", "sign_up_block", "", None)
        seen = await sign_up(visitor, username="out", email="out@mail.example")
        assert seen.status == 403 and registration.NOT_FROM_THERE in seen.body


async def test_the_mail_is_sent_again_for_who_waits_for_it_and_told_alike_to_all(
    serve: Any, mailbox: Mailbox
) -> None:
    async with serve("open") as instance, at(instance) as visitor:
        await join(instance, "alice", email="alice@mail.example")
        await sign_up(visitor)
        await instance.run_jobs()
        mailbox.mails.clear()
        told = set()
        for address in (EMAIL, "alice@mail.example", "nobody@mail.example", "x\r\nBcc: y"):
            seen = await visitor.get("/confirm-email")
            seen = await visitor.submit(seen, "/confirm-email/again", email=address)
            told.add((seen.status, seen.page.text))
        assert len(told) == 1
        await instance.run_jobs()
        path = mailbox.take(EMAIL).link("/confirm-email")
        assert (await confirm(visitor, path)).status == 303
        for _ in range(attempts.MAILS_OF_ACCOUNT.times + 1):
            seen = await visitor.get("/confirm-email")
            seen = await visitor.submit(seen, "/confirm-email/again", email=EMAIL)
        assert seen.status == 429
