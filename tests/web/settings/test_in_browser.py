"""Settings in a real browser, on a phone and on a desktop, with our scripts and without: somebody
says who they are, brings and takes lists, guards their account, moves away, and leaves."""

from __future__ import annotations

import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pyotp
import pytest

from fedi.clock import FakeClock
from fedi.social import follows
from tests.api.oauth.person import OOB, PASSWORD, Client, agree, at, join
from tests.mailbox import Mailbox
from tests.rig import Instance, NewDatabase, serve_instance
from tests.web import hanging
from tests.web.desk import Desk, desk, file
from tests.web.test_browser import chromium
from tests.web.test_passkeys import with_a_device

__all__ = ["chromium"]

pytestmark = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)

PROFILE, PRIVACY, TRAINING = "/settings/profile", "/settings/privacy", "/settings/training"
LOOKS, CARRYING, LEAVING = "/settings/appearance", "/settings/carrying", "/settings/leaving"
SECURITY = "/settings/security"
ANOTHER = "another correct horse"  # a password
GROUND = "getComputedStyle(document.documentElement).backgroundColor"
MISSING = "[...document.images].filter((i) => i.complete && !i.naturalWidth).map((i) => i.src)"


@pytest.mark.parametrize(("width", "scripts"), [(390, True), (1280, True), (1280, False)])
async def test_somebody_says_who_they_are_and_how_they_want_it(
    instance: Instance, chromium: Any, width: int, scripts: bool
) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    async with desk(chromium, instance, "alice", width=width, scripts=scripts) as at_desk:
        await at_desk.open("/settings")
        await at_desk.follow("Profile")
        kept = await at_desk.send(
            PROFILE,
            name="Alice Marlowe",
            words="I paint fog.",
            avatar=file("a.png", hanging.png(400, 400, "#3a6ea5")),
            avatar_description="A tower",
            header=file("b.png", hanging.png(1500, 500, "#c9b18a")),
            header_description="The sea",
            locked=True,
            **{"label-0": "Studio", "value-0": "In the attic", "label-1": "", "value-1": ""},
        )
        assert "Kept." in kept
        page = await at_desk.follow("your page")
        assert all(words in page for words in ("Alice Marlowe", "I paint fog.", "In the attic"))
        assert await at_desk.page.evaluate(MISSING) == []
        assert await at_desk.page.is_visible("img[alt='The sea']")
        await at_desk.open(PROFILE)
        await at_desk.send(PROFILE, header_gone=True)
        assert not await at_desk.page.is_visible("img[alt='The sea']")

        await at_desk.open(PRIVACY)
        kept = await at_desk.send(PRIVACY, visibility="private", sensitive=True, language="de")
        assert "Kept." in kept
        await at_desk.open("/compose")
        assert await at_desk.page.input_value("[name=audience]") == "private"
        assert await at_desk.page.input_value("[name=language]") == "de"

        assert "Nothing of yours was given" in await at_desk.open(TRAINING)
        for yes in (True, False):  # which can be taken back
            said = await at_desk.send(TRAINING, training=yes)
            assert "What you said" in said
            assert await at_desk.page.is_checked("[name=training]") is yes

        await at_desk.open(LOOKS)
        before = await at_desk.page.evaluate(GROUND)
        await at_desk.send(LOOKS, theme="dark")
        assert await at_desk.page.evaluate(GROUND) != before
        await at_desk.open("/home")
        assert await at_desk.page.evaluate(GROUND) != before

        await at_desk.open(CARRYING)
        listed = f"Account address,Show boosts\nbob@{instance.domain},true\n".encode()
        brought = file("following.csv", listed, "text/csv")
        said = await at_desk.send(CARRYING, "Bring it", list=brought, kind="follows", way="add")
        assert "being taken in" in said and "0 of 1 so far" in said
        await instance.run_jobs()
        assert "1 of 1 done" in await at_desk.open(CARRYING)
        async with at_desk.page.expect_download() as taken:
            await at_desk.page.click("a:has-text('Whom I follow')")
        path = await (await taken.value).path()
        assert f"bob@{instance.domain},true" in Path(path).read_text()
    async with instance.easel.database.read() as session:
        assert (await follows.relationship(session, alice, bob)).following


async def test_somebody_guards_their_account_moves_away_and_leaves(
    new_database: NewDatabase,
    tmp_path: Path,
    clock: FakeClock,
    mailbox: Mailbox,
    chromium: Any,
    browser: aiohttp.ClientSession,
) -> None:
    async with serve_instance(
        tmp_path, new_database(), clock=clock, mail=mailbox.settings
    ) as instance:
        await join(instance, email="alice@mail.example")
        await join(instance, "new")
        app = await Client.register(instance, browser, client_name="Moss")
        async with at(instance) as elsewhere, desk(chromium, instance, "alice") as at_desk:
            await elsewhere.sign_in("alice")
            code = await agree(elsewhere, app, redirect_uri=OOB)
            _, made = await app.token(code, redirect_uri=OOB)
            token = made["access_token"]
            who = "/api/v1/accounts/verify_credentials"
            assert (await app.get(who, token))[0] == 200
            # What an app may do is taken back, and a browser elsewhere is signed out.
            assert "Moss" in await at_desk.open(SECURITY)
            assert "No app acts for you" in await at_desk.send(f"{SECURITY}/apps/withdraw")
            assert (await app.get(who, token))[0] == 401
            assert (await elsewhere.get("/home")).status == 200
            said = await at_desk.send(f"{SECURITY}/browsers/close", "Sign out everywhere else")
            assert "everywhere else" not in said
            assert (await elsewhere.get("/home")).location.startswith("/sign-in")
            await _change_the_address(at_desk, mailbox)
            await at_desk.page.set_viewport_size({"width": 390, "height": 844})
            await _guard(at_desk)
            async with desk(chromium, instance, "new") as at_new:
                await at_new.open(LEAVING)
                assert "@alice" in await at_new.send(f"{LEAVING}/aliases", other="@alice")
                assert "@alice" not in await at_new.send(f"{LEAVING}/aliases/remove")
                await at_new.send(f"{LEAVING}/aliases", other="@alice")
            await _leave(at_desk)


async def _change_the_address(at_desk: Desk, mailbox: Mailbox) -> None:
    """Where mail goes, by the link in one; and how often they hear of what they have not read."""
    new = "else@mail.example"
    await at_desk.send(f"{SECURITY}/email", password=PASSWORD, email=new)
    assert "alice@mail.example" in await at_desk.open(SECURITY)
    await at_desk.instance.run_jobs()
    [mail] = [one for one in mailbox.mails if one.to == [new]]
    await at_desk.open(mail.link("/change-email"))
    await at_desk.send("/change-email")
    assert f"Now {new}" in await at_desk.open(SECURITY)
    await at_desk.send(f"{SECURITY}/digest", digest="weekly")
    assert await at_desk.page.input_value("[name=digest]") == "weekly"


async def _guard(at_desk: Desk) -> None:
    """Another password, one-time codes and a passkey, each used once."""
    change, codes, keys = f"{SECURITY}/password", f"{SECURITY}/codes", f"{SECURITY}/passkeys"
    page, clock = at_desk.page, at_desk.instance.clock
    said = await at_desk.send(change, old="wrong horse", new=ANOTHER)
    assert await page.is_visible("main .trouble"), said
    await at_desk.send(change, old=PASSWORD, new=ANOTHER)
    assert not await page.is_visible("main .trouble")
    await at_desk.sign_out()
    await at_desk.sign_in("alice")
    assert await page.is_visible("main .trouble")
    await at_desk.send("/sign-in", name="alice", password=ANOTHER)

    await at_desk.open(SECURITY)
    await at_desk.follow("Set up")
    secret = pyotp.TOTP("".join((await page.inner_text(".secret")).split()))
    await at_desk.send(codes, code="000000")
    assert await page.is_visible("main .trouble")
    await at_desk.send(codes, code=secret.at(clock.now()))
    recovery = await page.locator(".codes code").all_inner_texts()
    assert "On: your password alone" in await at_desk.follow("I have kept them")
    clock.advance(timedelta(seconds=30))
    for code in (secret.at(clock.now()), recovery[0]):
        await at_desk.sign_out()
        assert "The six digits" in await at_desk.sign_in("alice", ANOTHER, SECURITY)
        await at_desk.send("/sign-in/code", code="nonsense")
        assert await page.is_visible("main .trouble")
        said = await at_desk.send("/sign-in/code", code=code)
    assert f"{len(recovery) - 1} recovery codes left" in said
    await at_desk.send(f"{codes}/recovery")
    assert not {*recovery} & {*await page.locator(".codes code").all_inner_texts()}
    assert f"{len(recovery)} recovery codes left" in await at_desk.follow("I have kept them")
    assert "Off. With them" in await at_desk.send(f"{codes}/off")

    await with_a_device(page)
    assert "My phone" in await at_desk.send(keys, name="My phone")
    await at_desk.sign_out()
    await at_desk.open(f"/sign-in?next={SECURITY}")
    assert "My phone" in await at_desk.send("/sign-in/passkey")
    assert "My phone" not in await at_desk.send(f"{keys}/remove")


async def _leave(at_desk: Desk) -> None:
    """With all that they made, to another account, back from it, and away."""
    page = at_desk.page
    await at_desk.open(CARRYING)
    assert "It is being written" in await at_desk.send(f"{CARRYING}/archive")
    await at_desk.instance.run_jobs()
    await at_desk.open(CARRYING)
    async with page.expect_download() as taken:
        await page.click("main a:has-text('Download')")
    with zipfile.ZipFile(await (await taken.value).path()) as archive:
        assert b"/users/alice" in archive.read("actor.json")
    await at_desk.open(LEAVING)
    await at_desk.send(f"{LEAVING}/move", whom="@nobody", password=ANOTHER)
    assert await page.is_visible("main .trouble")
    assert "You have moved" in await at_desk.send(f"{LEAVING}/move", whom="@new", password=ANOTHER)
    assert "You have moved" not in await at_desk.send(f"{LEAVING}/back")
    for name, password in (("bob", ANOTHER), ("alice", PASSWORD)):
        await at_desk.send(f"{LEAVING}/delete", name=name, password=password)
        assert await page.is_visible("main .trouble")
    await at_desk.send(f"{LEAVING}/delete", name="alice", password=ANOTHER)
    assert page.url == f"{at_desk.instance.url}/"
    await at_desk.open("/settings")  # which asks who it is
    await at_desk.send("/sign-in", name="alice", password=ANOTHER)
    assert await page.is_visible("main .trouble")
    answer = await page.goto(f"{at_desk.instance.url}/@alice")
    assert answer.status in {404, 410}
