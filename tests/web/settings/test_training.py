"""Whether others may train on one's pictures, as pages ask and as everything says it outside."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlmodel import select

from fedi.database.tables import Account, MediaAttachment, Status
from fedi.social import reblogs, statuses
from fedi.social.paging import Page
from fedi.social.training import grants, ledger, lessons, standing
from fedi.studio.dataset import marking
from tests.api.oauth.person import Seen, at, join
from tests.federation.reading import document
from tests.rig import Instance
from tests.social.people import told
from tests.studio.dataset.giving import PURPOSE, choose, consent, export, learn
from tests.web import hanging
from tests.web.admin.staff import appoint, signed_in
from tests.web.filling import filled, form_of, send
from tests.web.reading import get
from tests.web.test_browser import chromium
from tests.web.test_signed_in_browser import SIZES, violations, window

__all__ = ["chromium"]

HERE = "/settings/training"


async def test_one_says_yes_sees_what_went_out_and_takes_it_back(
    instance: Instance, tmp_path: Path
) -> None:
    alice = await join(instance)
    post = await hanging.hang(instance, alice, text="Look")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get(HERE)
        first = filled(form_of(seen, HERE))
        assert "training" not in first and first["credit"] == "anonymous"
        assert "Nothing of yours was given to anybody." in seen.page.text
        seen = await send(visitor, seen, HERE, training="1", credit="name", licence="CC-BY-SA-4.0")
        assert (seen.status, seen.location) == (303, f"{HERE}?kept=1")
        async with instance.easel.database.read() as session:
            row = await session.get_one(Account, alice.id)
        assert row.training_consent_at == instance.clock.now()
        assert (row.training_credit, row.training_licence) == ("name", "CC-BY-SA-4.0")
        await export(instance, tmp_path / "out", recipient="<b>Lab</b>")
        instance.clock.advance(timedelta(hours=1))
        # One post alone, where all else is that can be done with it.
        more = f"/posts/{post.id}/more"
        seen = await visitor.get(more)
        assert "others may train on those of this post" in " ".join(seen.page.text.split())
        done = await send(visitor, seen, f"/posts/{post.id}/exclude")
        assert done.status == 303
        seen = await visitor.get(more)
        forms = {form["action"] for form in seen.page.all("form")}
        assert {f"/posts/{post.id}/include", f"/posts/{post.id}/as-usual"} <= forms
        assert f"/posts/{post.id}/exclude" not in forms
        seen = await visitor.get(HERE)
        words = " ".join(seen.page.text.split())
        assert "1 picture to <b>Lab</b>" in words and f"For: {PURPOSE}" in words
        assert "1 withdrawn since" in words and "No, of one post" in words
        # And all of it, as it was said.
        fields = filled(form_of(seen, HERE))
        assert fields["training"] == "1" and fields["licence"] == "CC-BY-SA-4.0"
        for wrong in ({"licence": "mine"}, {"credit": "loud"}):
            refused = await send(visitor, seen, HERE, **wrong)
            assert refused.status == 422 and refused.page.one("p", role="alert").text.endswith(".")
        del fields["training"]
        await visitor.post(HERE, fields)
        assert "training" not in filled(form_of(await visitor.get(HERE), HERE))
    async with instance.easel.database.read() as session:
        row = await session.get_one(Account, alice.id)
        assert row.training_consent_at is None and not standing.allows(row)


async def test_one_sees_what_was_learned_here_and_what_became_of_it(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    await consent(instance, alice, credit="name")
    await consent(instance, bob)
    kept, taken, gone = [await hanging.hang(instance, alice, text="Look") for _ in range(3)]
    own = await hanging.hang(instance, bob, text="Look")
    ink = await learn(instance, "ink")
    of_bob = await learn(instance, "bobs-own", bob, asked=True)
    here = f"{HERE}/styles/{ink}"

    def said(seen: Seen) -> str:
        return " ".join(seen.page.text.split())

    def posts(seen: Seen) -> set[str]:
        return {link["href"] for link in seen.page.all("a", _class="tile")}

    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get(HERE)
        assert "Nothing of yours was given to anybody." in said(seen)
        assert "3 pictures for the style ink" in said(seen)
        assert "bobs-own" not in said(seen) and "withdrawn since" not in said(seen)
        seen = await visitor.get(here)
        assert "learned from 3 pictures of yours" in said(seen)
        assert posts(seen) == {f"/@alice/{post.id}" for post in (kept, taken, gone)}
        assert (await visitor.get(f"{HERE}/styles/{of_bob}")).status == 404

        # What is taken back, what is deleted: told here, and to nobody outside.
        await choose(instance, taken, False)
        async with instance.easel.database.write() as tx:
            await statuses.delete(tx, await tx.get_one(Status, gone.id))
        await consent(instance, alice, credit="anonymous")
        await marking.catch_up(instance.easel)
        async with instance.easel.database.read() as session:
            assert await ledger.withdrawn(session, None, after=0, limit=10) == []
        seen = await visitor.get(HERE)
        assert "; 2 withdrawn since" in said(seen)
        assert "stays in it until whoever runs this server removes it" in said(seen)
        seen = await visitor.get(here)
        assert posts(seen) == {f"/@alice/{post.id}" for post in (kept, taken)}
        assert "1 of them is not here any more." in said(seen)
        await choose(instance, taken, None)
        assert "; 1 withdrawn since" in said(await visitor.get(HERE))

        async with instance.easel.database.write() as tx:
            await lessons.end(tx, "ink")
        for path in (HERE, here):
            seen = await visitor.get(path)
            assert "; the style was removed" in said(seen) and "stays in it" not in said(seen)
    async with at(instance) as visitor:
        await visitor.sign_in("bob")
        seen = await visitor.get(HERE)
        assert "1 picture for the style bobs-own" in said(seen)
        assert "1 picture for the style ink" in said(seen)
        assert said(seen).count("Whoever runs this server says that you asked for it.") == 1
        # What one asked for oneself needs no yes, and is over with a no to that post.
        await consent(instance, bob, False)
        for asked_for in (0, 1):
            async with instance.easel.database.read() as session:
                bobs = await lessons.of_author(session, bob, Page())
            counts = {one.style.purpose: one.withdrawn for one in bobs}
            assert counts == {"bobs-own": asked_for, "ink": 1}
            await choose(instance, own, False)


async def test_a_post_says_it_as_it_is_written_and_nobody_says_it_for_another(
    instance: Instance,
) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    of_bob = await hanging.hang(instance, bob, text="Look")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get("/compose")
        assert filled(form_of(seen, "/compose"))["training"] == ""
        posted = await send(visitor, seen, "/compose", words="Look", training="no")
        number = int(posted.location.rpartition("/")[2])
        studio = filled(form_of(await visitor.get("/studio"), "/studio"))
        assert studio["training"] == ""
        seen = await visitor.get(f"/posts/{of_bob.id}/more")
        assert "Training" not in seen.page.text
        key = filled(form_of(seen, f"/posts/{of_bob.id}/hush"))["form_key"]
        for deed in ("include", "exclude", "as-usual"):
            answer = await visitor.post(f"/posts/{of_bob.id}/{deed}", {"form_key": key})
            assert answer.status == 403, deed
    async with instance.easel.database.read() as session:
        assert (await session.get_one(Status, number)).training is False
        assert (await session.get_one(Status, of_bob.id)).training is None
    assert alice.training_consent_at is None


async def test_outside_it_says_the_same(instance: Instance, browser: aiohttp.ClientSession) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    post = await hanging.hang(instance, alice, text="Look")
    other = await hanging.hang(instance, bob, text="Look")
    async with instance.easel.database.read() as session:
        medium, theirs = [
            (
                await session.exec(
                    select(MediaAttachment).where(MediaAttachment.status_id == one.id)
                )
            ).one()
            for one in (post, other)
        ]

    async def said(path: str) -> str:
        answer = await get(browser, f"{instance.url}{path}")
        assert answer.status == 200, path
        robots = str(answer.headers.get("X-Robots-Tag", "all"))
        if answer.headers["Content-Type"].startswith("text/html"):
            assert answer.page.meta("robots") == robots
        return robots

    async def everything() -> list[str]:
        actor = await document(browser, alice.uri)
        paths = ("/@alice", f"/@alice/{post.id}", f"/media/{medium.file}",
                 f"/media/{medium.preview_file}")  # fmt: skip
        return [str(actor.get("xRobotsTag", "all")), *[await said(path) for path in paths]]

    no, yes = "noai, noimageai", "all"
    assert await everything() == [no] * 5
    await consent(instance, alice)
    assert await everything() == [yes] * 5
    assert len(await told(instance.easel, "update_actor")) == 1
    # Nothing of anybody else's is said to be free with it.
    for path in ("/@bob", f"/@bob/{other.id}", f"/media/{theirs.file}", "/"):
        assert await said(path) == no, path
    await hanging.publish(instance, bob, text="I see", in_reply_to_id=post.id)
    assert await said(f"/@alice/{post.id}") == no
    async with instance.easel.database.write() as tx:
        await reblogs.add(tx, await tx.get_one(Account, alice.id), other)
    assert (await said("/@alice/posts"), await said("/@alice")) == (no, yes)
    await choose(instance, post, False)
    assert await said(f"/media/{medium.file}") == no
    await consent(instance, alice, False)
    assert await everything() == [no] * 5
    answer = await get(browser, f"{instance.url}/media/{medium.file}")
    assert "immutable" in answer.headers["Cache-Control"]
    assert len(await told(instance.easel, "update_actor")) == 2


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_who_runs_the_instance_sees_who_got_what_and_ends_it(
    instance: Instance, tmp_path: Path
) -> None:
    await appoint(instance, "ada", "admin")
    alice = await join(instance)
    await hanging.hang(instance, alice, text="Look")
    await consent(instance, alice)
    await export(instance, tmp_path / "out", recipient="Some Lab")
    async with instance.easel.database.write() as tx:
        made, token = await grants.grant(tx, "Other Lab", purpose=PURPOSE)
    await learn(instance, "ink")
    async with instance.easel.database.write() as tx:
        await lessons.end(tx, "ink")
    await learn(instance, "ink-two", alice, asked=True)
    async with signed_in(instance, "ada") as visitor:
        seen = await visitor.get("/admin/data")
        words = " ".join(seen.page.text.split())
        assert "1 picture to Some Lab" in words and "Other Lab" in words
        assert "The style ink removed 1 picture," in words
        assert "The style ink-two 1 picture of an author who asked for it," in words
        path = f"/admin/data/{made.id}/revoke"
        assert (await send(visitor, seen, path)).location == "/admin/data"
        assert "until" in (await visitor.get("/admin/data")).page.text
    async with instance.easel.database.read() as session:
        assert await grants.authenticate(session, token) is None


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_can_be_used_by_everybody(
    instance: Instance, chromium: Any, tmp_path: Path, scheme: str
) -> None:
    alice = await join(instance)
    post = await hanging.hang(instance, alice, text="Look")
    await consent(instance, alice)
    await export(instance, tmp_path / "out", recipient="Long" * 30)
    style = await learn(instance, "l" * 60, alice, asked=True)
    await choose(instance, post, False)
    for width, height in SIZES:
        options = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
        async with window(chromium, instance, **options) as page:
            for path in (HERE, f"{HERE}/styles/{style}", f"/posts/{post.id}/more"):
                await page.goto(instance.url + path)
                assert await violations(page) == [], (path, width)
                inside = await page.evaluate("document.documentElement.scrollWidth")
                assert inside <= width, (path, width)
