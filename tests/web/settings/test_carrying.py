"""Lists that are brought and taken on a page, and the archive."""

from __future__ import annotations

import io
import zipfile

from fedi.database.tables import Import
from fedi.social import blocks, follows, hiding
from fedi.social.carrying import KINDS, bringing
from tests.api.oauth.person import Person, Seen, at, join
from tests.rig import Instance
from tests.web import hanging, reading
from tests.web.filling import filled, form_of, send
from tests.web.test_hostile import STRINGS

HERE = "/settings/carrying"


async def bring(visitor: Person, content: bytes, **typed: str) -> Seen:
    return await send(visitor, await visitor.get(HERE), HERE, {"list": content}, **typed)


async def test_lists_are_taken_as_csv(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    async with instance.easel.database.write() as tx:
        await follows.request(tx, alice, bob)
        await hiding.add(tx, alice, "other.example")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        doors = {link["href"] for link in (await visitor.get(HERE)).page.one("main").all("a")}
        assert {f"{HERE}/{kind}.csv" for kind in KINDS} <= doors
        seen = await visitor.get(f"{HERE}/follows.csv")
        assert seen.headers["Content-Type"].startswith("text/csv")
        assert seen.headers["Content-Disposition"].endswith('"following_accounts.csv"')
        assert seen.headers["Cache-Control"] == "no-store"
        assert f"bob@{instance.domain}" in seen.body
        assert (await visitor.get(f"{HERE}/domains.csv")).body == "other.example\n"
        assert (await visitor.get(f"{HERE}/secrets.csv")).status == 404
    async with at(instance) as nobody:
        for path in (HERE, f"{HERE}/follows.csv", f"{HERE}/archive.zip"):
            assert (await nobody.get(path)).location.startswith("/sign-in?next=")


async def test_a_list_is_brought_and_what_failed_is_told(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        content = f"bob@{instance.domain}\nnobody@{instance.domain}\n".encode()
        seen = await bring(visitor, content, kind="blocks", way="add")
        assert (seen.status, seen.location) == (303, f"{HERE}?kept=1")
        assert "0 of 2 so far" in (await visitor.get(seen.location)).page.text
        await instance.run_jobs()
        page = (await visitor.get(HERE)).page.one("main")
        assert "2 of 2 done, 1 failed" in page.text and f"nobody@{instance.domain}" in page.text
        async with instance.easel.database.read() as session:
            assert await blocks.find(session, alice.id, bob.id) is not None


async def test_what_is_no_list_is_refused_and_what_was_chosen_stays(instance: Instance) -> None:
    alice = await join(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        for content, typed in (
            (b"", {"kind": "mutes"}),
            (b"\xff\xfe\x00x", {"kind": "mutes"}),
            (b"a@b.example\n", {"kind": STRINGS[0]}),
            (b"a@b.example\n", {"kind": "mutes", "way": "burn"}),
            (b"\n\n", {"kind": "mutes"}),
        ):
            seen = await bring(visitor, content, **{"way": "replace", **typed})
            assert seen.status == 422, typed
            assert seen.page.one("p", role="alert").text.endswith(".")
            if typed == {"kind": "mutes"}:
                standing = filled(form_of(seen, HERE))
                assert (standing["kind"], standing["way"]) == ("mutes", "replace")
        assert (await visitor.post(HERE, {"kind": "mutes"})).status == 403
    async with instance.easel.database.read() as session:
        found: list[Import] = await bringing.of_account(session, alice)
    assert found == []


async def test_an_archive_is_asked_for_and_is_for_its_owner_alone(instance: Instance) -> None:
    alice = await join(instance)
    await join(instance, "bob")
    await hanging.publish(instance, alice, text="private words", visibility="private")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        path = f"{HERE}/archive"
        assert (await visitor.get(f"{path}.zip")).status == 404
        seen = await send(visitor, await visitor.get(HERE), path)
        assert (seen.status, seen.location) == (303, HERE)
        assert "being written" in (await visitor.get(HERE)).page.text
        await instance.run_jobs()
        page = await visitor.get(HERE)
        assert page.page.one("a", href=f"{path}.zip")
        got = await reading.get(visitor.session, f"{instance.url}{path}.zip")
        assert got.headers["Cache-Control"] == "no-store"
        with zipfile.ZipFile(io.BytesIO(got.body)) as archive:
            assert b"private words" in archive.read("outbox.json")
        again = await send(visitor, page, path)
        assert again.status == 429 and int(again.headers["Retry-After"]) > 0
        assert "7 days" in again.page.one("p", role="alert").text
    async with at(instance) as visitor:
        await visitor.sign_in("bob")
        assert (await visitor.get(f"{path}.zip")).status == 404
