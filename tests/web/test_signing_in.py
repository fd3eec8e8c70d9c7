"""Signing in and out on our pages: passwords, one-time codes, limits, and what ends them."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from functools import cache

import aiohttp
import pyotp
import pytest
from argon2 import PasswordHasher
from sqlmodel import select

from fedi.database.tables import BrowserSession, Login
from fedi.social import credentials, sign_in
from tests.api.oauth.person import PASSWORD, Client, Person, Seen, agree, at, digits, join
from tests.rig import Instance

SECURITY = "/settings/security"


async def set_up_codes(visitor: Person) -> tuple[pyotp.TOTP, list[str]]:
    """Switch one-time codes on; the authenticator, and the recovery codes."""
    seen = await visitor.get(f"{SECURITY}/codes")
    totp = pyotp.TOTP(seen.page.one("code").text.replace(" ", ""))
    code = totp.at(visitor.instance.clock.now())
    seen = await visitor.submit(seen, f"{SECURITY}/codes", code=code)
    assert seen.status == 200
    return totp, [entry.text for entry in seen.page.one("ol").all("code")]


async def section(visitor: Person, name: str) -> str:
    seen = await visitor.get(SECURITY)
    assert seen.status == 200, seen.status
    return seen.page.one("section", id=name).text


async def test_somebody_signs_in_by_name_handle_or_email_and_out(instance: Instance) -> None:
    await join(instance, email="alice@mail.example")
    domain = instance.domain
    for name in ("alice", " Alice ", "@alice", f"alice@{domain}", "Alice@Mail.example"):
        async with at(instance) as visitor:
            seen = await visitor.get(SECURITY)
            assert seen.status == 303 and seen.location == f"/sign-in?next={SECURITY}"
            seen = await visitor.sign_in(name, path=seen.location)
            assert seen.status == 303 and seen.location == SECURITY, name
            seen = await visitor.follow(seen)
            assert "@alice" in seen.page.one("header", _class="masthead").text
            assert seen.headers["Cache-Control"] == "no-store"
            seen = await visitor.submit(seen, "/sign-out")
            assert seen.status == 303 and seen.location == "/"
            assert (await visitor.get(SECURITY)).status == 303


async def test_a_wrong_name_and_a_wrong_password_are_told_alike(instance: Instance) -> None:
    await join(instance, email="alice@mail.example")
    told = set()
    async with at(instance) as visitor:
        for name, password in (
            ("alice", "wrong"),
            ("nobody", "wrong"),
            ("alice@mail.example", "wrong"),
            ("nobody@mail.example", "wrong"),
            ("alice", ""),
            ("x" * 5000, "x" * 5000),
            (instance.domain, "wrong"),
        ):
            seen = await visitor.sign_in(name, password)
            assert seen.status == 403 and not visitor.cookie()
            told.add(seen.page.one("p", role="alert").text)
        assert (await visitor.sign_in("a\0b")).status == 400
    assert told == {sign_in.WRONG}


async def test_an_unknown_name_takes_as_long_as_a_wrong_password(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Some ten milliseconds, beside which all else is nothing.
    dear = PasswordHasher(time_cost=4, memory_cost=8192, parallelism=1)
    monkeypatch.setattr(credentials, "_hasher", dear)
    anew = cache(credentials._nobodys_hash.__wrapped__)
    monkeypatch.setattr(credentials, "_nobodys_hash", anew)
    alice = await join(instance)
    async with instance.easel.database.read() as session:
        login = await session.get(Login, alice.id)

    async def spent(who: Login | None) -> float:
        begun = time.perf_counter()
        assert not await credentials.matches(who, "wrong horse battery")
        return time.perf_counter() - begun

    await spent(None)  # the first makes the hash of nobody
    # In turn, and the least of each: what else the machine does only adds to it.
    both = [(await spent(login), await spent(None)) for _ in range(8)]
    known, unknown = (min(each) for each in zip(*both, strict=True))
    assert 0.2 < known / unknown < 5  # without a hash it would be more than a hundred


async def test_guessing_is_limited_by_name_and_by_address(instance: Instance) -> None:
    await join(instance)
    async with at(instance) as visitor:
        for name in ("alice", "nobody"):
            for _ in range(10):
                assert (await visitor.sign_in(name, "wrong")).status == 403
            seen = await visitor.sign_in(name, PASSWORD)
            assert seen.status == 429 and int(seen.headers["Retry-After"]) > 0
        instance.clock.advance(timedelta(seconds=70))
        assert (await visitor.sign_in("alice", "wrong")).status == 403  # one has come back
        for number in range(20):
            seen = await visitor.sign_in(f"other{number}", "wrong")
        assert seen.status == 429
        instance.clock.advance(timedelta(minutes=10))
        assert (await visitor.sign_in("alice")).status == 303


async def test_a_name_has_one_count_however_it_is_written(instance: Instance) -> None:
    await join(instance)
    here = f"@{instance.domain}"
    async with at(instance) as visitor:
        for name in ("alice", "@alice", "@@alice", f"ALICE{here}", f"@@alice{here}{here}"):
            for _ in range(2):
                assert (await visitor.sign_in(name, "wrong")).status == 403
        assert (await visitor.sign_in("alice", PASSWORD)).status == 429


async def test_nobody_is_led_elsewhere_after_signing_in(instance: Instance) -> None:
    await join(instance)
    for goal in (
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/%5Cevil",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/é",
        "/" + "x" * 20_000,
    ):
        async with at(instance) as visitor:
            seen = await visitor.get("/sign-in")
            seen = await visitor.submit(
                seen, "/sign-in", name="alice", password=PASSWORD, next=goal
            )
            assert seen.status == 303
            assert seen.location in {"/home", "/%5Cevil"}, goal
        instance.clock.advance(timedelta(minutes=10))


async def test_a_cookie_from_before_is_worth_nothing_after(instance: Instance) -> None:
    """Session fixation: a cookie that somebody else put there is not the one that signs in."""
    await join(instance)
    async with at(instance) as visitor, at(instance) as attacker:
        planted = "x" * 43
        visitor.session.cookie_jar.update_cookies({"easel": planted, "easel-visit": "y" * 43})
        attacker.session.cookie_jar.update_cookies({"easel": planted, "easel-visit": "y" * 43})
        await visitor.sign_in("alice")
        assert (await attacker.get(SECURITY)).status == 303
        first = visitor.cookie()
        await visitor.sign_in("alice", path="/sign-in?again=1")
        assert visitor.cookie() != first
        async with at(instance) as other:
            other.session.cookie_jar.update_cookies({"easel": first})
            assert (await other.get(SECURITY)).status == 303


async def test_forms_of_other_sites_sign_nobody_in_or_out(instance: Instance) -> None:
    await join(instance)
    async with at(instance) as visitor:
        fields = {"name": "alice", "password": PASSWORD}
        assert (await visitor.post("/sign-in", fields)).status == 403
        await visitor.sign_in("alice")
        for path in (
            "/sign-out",
            f"{SECURITY}/password",
            f"{SECURITY}/codes/off",
            f"{SECURITY}/passkeys/ask",
            f"{SECURITY}/browsers/close",
            f"{SECURITY}/apps/withdraw",
        ):
            assert (await visitor.post(path, {"others": "1", "id": "1"})).status == 403, path
        assert (await visitor.get(SECURITY)).status == 200


async def test_a_session_ends_when_nobody_uses_it(instance: Instance) -> None:
    await join(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        for _ in range(3):
            instance.clock.advance(timedelta(days=59))
            assert (await visitor.get(SECURITY)).status == 200
        instance.clock.advance(timedelta(days=61))
        assert (await visitor.get(SECURITY)).status == 303


async def test_a_one_time_code_is_asked_for_and_works_once(instance: Instance) -> None:
    await join(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        totp, recovery = await set_up_codes(visitor)
        assert len(set(recovery)) == 10
    used = totp.at(instance.clock.now())

    async def half() -> tuple[Person, Seen]:
        seen = await visitor.sign_in("alice")
        assert seen.status == 303 and seen.location.startswith("/sign-in/code")
        assert (await visitor.get(SECURITY)).status == 303  # not signed in yet
        return visitor, await visitor.get(seen.location)

    async with at(instance) as visitor:
        _, seen = await half()
        before = visitor.cookie()
        for wrong in (used, "000000", "", "é", "x" * 100, "12345"):
            refused = await visitor.submit(seen, "/sign-in/code", code=wrong)
            assert refused.status == 403, wrong
        instance.clock.advance(timedelta(minutes=9))
        fresh = totp.at(instance.clock.now())
        done = await visitor.submit(seen, "/sign-in/code", code=f"{fresh[:3]} {fresh[3:]}")
        assert done.status == 303 and done.location == "/home"
        assert visitor.cookie() != before
        assert "On" in await section(visitor, "codes")
    async with at(instance) as visitor:
        _, seen = await half()
        assert (await visitor.submit(seen, "/sign-in/code", code=fresh)).status == 403
        code = recovery[0].upper().replace("-", " ")
        assert (await visitor.submit(seen, "/sign-in/code", code=code)).status == 303
        assert "9 recovery codes left" in await section(visitor, "codes")
    async with at(instance) as visitor:
        _, seen = await half()
        assert (await visitor.submit(seen, "/sign-in/code", code=recovery[0])).status == 403
        instance.clock.advance(timedelta(minutes=11))
        late = await visitor.submit(seen, "/sign-in/code", code=totp.at(instance.clock.now()))
        assert late.status == 303 and late.location.startswith("/sign-in?next=")


async def test_guessing_codes_is_limited(instance: Instance) -> None:
    await join(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        totp, _ = await set_up_codes(visitor)
    async with at(instance) as visitor:
        seen = await visitor.get((await visitor.sign_in("alice")).location)
        statuses = [
            (await visitor.submit(seen, "/sign-in/code", code="000000")).status for _ in range(9)
        ]
        assert statuses.count(429) == 2 and statuses[-1] == 429  # one went to set them up
        code = totp.at(instance.clock.now() + timedelta(seconds=30))
        assert (await visitor.submit(seen, "/sign-in/code", code=code)).status == 429


async def test_codes_are_switched_off_and_renewed_by_who_signed_in_a_moment_ago(
    instance: Instance,
) -> None:
    await join(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        _, recovery = await set_up_codes(visitor)
        seen = await visitor.get(SECURITY)
        renewed = await visitor.submit(seen, f"{SECURITY}/codes/recovery")
        fresh = [entry.text for entry in renewed.page.one("ol").all("code")]
        assert len(fresh) == 10 and not set(fresh) & set(recovery)
        instance.clock.advance(timedelta(minutes=16))
        late = await visitor.submit(seen, f"{SECURITY}/codes/off")
        assert late.status == 303 and "again=1" in late.location
        assert "On" in await section(visitor, "codes")
    async with at(instance) as visitor:
        seen = await visitor.get((await visitor.sign_in("alice")).location)
        await visitor.submit(seen, "/sign-in/code", code=fresh[3])
        seen = await visitor.get(SECURITY)
        assert (await visitor.submit(seen, f"{SECURITY}/codes/off")).status == 303
        assert "Off" in await section(visitor, "codes")


async def test_browsers_and_apps_are_seen_and_ended(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    await join(instance)
    client = await Client.register(instance, browser, client_name="Tusky")
    async with at(instance) as phone, at(instance) as desk:
        await phone.sign_in("alice")
        seen = await desk.get("/sign-in")
        firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
        desk.session.headers["User-Agent"] = firefox
        await desk.submit(seen, "/sign-in", name="alice", password=PASSWORD)
        _, made = await client.token(await agree(phone, client))
        assert "Firefox on Linux this one" in await section(desk, "browsers")
        assert "Tusky" in await section(desk, "apps")
        seen = await desk.submit(await desk.get(SECURITY), f"{SECURITY}/apps/withdraw")
        assert (await client.get("/oauth/userinfo", made["access_token"]))[0] == 401
        assert "No app" in await section(desk, "apps")
        await desk.submit(await desk.get(SECURITY), f"{SECURITY}/browsers/close")
        assert (await phone.get(SECURITY)).status == 303
        assert (await desk.get(SECURITY)).status == 200


async def test_nobody_ends_what_is_another_s(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    owner = await join(instance)
    await join(instance, "mallory")
    client = await Client.register(instance, browser)
    async with at(instance) as alice, at(instance) as mallory:
        await alice.sign_in("alice")
        await mallory.sign_in("mallory")
        _, made = await client.token(await agree(alice, client))
        page = (await alice.get(SECURITY)).page
        ids = {
            entry["value"] for entry in page.all("input") if entry.attributes.get("name") == "id"
        }
        async with instance.easel.database.read() as session:
            rows = (await session.exec(select(BrowserSession))).all()
        ids |= {str(row.id) for row in rows if row.account_id == owner.id}
        assert len(ids) == 2
        form = next(f for f in (await mallory.get(SECURITY)).page.all("form"))
        key = form.all("input")[0]["value"]
        for path in ("apps/withdraw", "browsers/close", "passkeys/remove"):
            for number in (*ids, "0", str(2**63 - 1)):
                seen = await mallory.post(f"{SECURITY}/{path}", {"form_key": key, "id": number})
                assert seen.status == 303
            for odd in ("", "x", "-1", "²", str(2**63), "9" * 50):
                seen = await mallory.post(f"{SECURITY}/{path}", {"form_key": key, "id": odd})
                assert seen.status in {303, 400}, odd
        assert (await mallory.get(SECURITY)).status == 200
        assert (await client.get("/oauth/userinfo", made["access_token"]))[0] == 200
        assert (await alice.get(SECURITY)).status == 200


async def test_a_new_password_is_set_by_who_knows_the_old_one(instance: Instance) -> None:
    await join(instance)
    async with at(instance) as visitor, at(instance) as other:
        await visitor.sign_in("alice")
        await other.sign_in("alice")
        seen = await visitor.get(SECURITY)
        for old, new, status in (
            ("wrong", "a new password", 422),
            (PASSWORD, "short", 422),
            (PASSWORD, "a new password", 303),
        ):
            done = await visitor.submit(seen, f"{SECURITY}/password", old=old, new=new)
            assert done.status == status
        assert (await visitor.get(SECURITY)).status == 200
        assert (await other.get(SECURITY)).status == 303
        assert (await other.sign_in("alice", "a new password")).status == 303


async def test_the_pages_ask_for_nothing_to_be_kept_and_hold_no_secret(instance: Instance) -> None:
    await join(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        async with instance.easel.database.read() as session:
            [row] = (await session.exec(select(BrowserSession))).all()
        cookie = visitor.cookie()
        assert row.token_hash != cookie and len(cookie) == 43
        for path in (SECURITY, f"{SECURITY}/codes", "/sign-in?again=1"):
            seen = await visitor.get(path)
            assert seen.headers["Cache-Control"] == "no-store"
            assert "noindex" in seen.headers["X-Robots-Tag"]
            assert cookie not in seen.body and row.token_hash not in seen.body
            assert not re.search(r"<script(?![^>]* src=\"/static/)", seen.body)
        assert digits(row.user_agent)
