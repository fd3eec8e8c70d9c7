"""Links from elsewhere lead to pages on which people follow and post: by a button, never by a
link."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from sqlmodel import select

from fedi.database.tables import Favourite, Follow, Job, Painting, Status
from fedi.social import accounts, attempts, statuses
from fedi.social.drafts import Draft
from tests.api.oauth.person import PASSWORD, Person, at, join
from tests.federation.peer import Internet
from tests.rig import Instance
from tests.web.filling import filled, form_of


async def count(instance: Instance, table: type[Favourite | Follow | Status | Painting]) -> int:
    async with instance.easel.database.read() as session:
        return len((await session.exec(select(table))).all())


def following(name: str) -> str:
    return f"/intents/follow?object={quote(name, safe='')}"


async def signed_in(visitor: Person) -> Person:
    await join(visitor.instance)
    await visitor.sign_in("alice")
    return visitor


async def test_a_link_to_follow_leads_through_signing_in_to_a_button(
    instance: Instance, internet: Internet
) -> None:
    await join(instance)
    bob = internet.person("bob")
    async with at(instance) as visitor:
        seen = await visitor.get(following(bob.uri))
        assert seen.status == 303 and internet.asked.total() == 0  # nobody fetches for nobody
        seen = await visitor.submit(
            await visitor.follow(seen), "/sign-in", name="alice", password=PASSWORD
        )
        seen = await visitor.follow(seen)
        assert seen.status == 200 and bob.host in seen.page.text
        assert await count(instance, Follow) == 0
        seen = await visitor.submit(seen, "/intents/follow")
        assert seen.status == 200 and "asked" in seen.page.text
        assert await count(instance, Follow) == 1
        await instance.run_jobs()
        seen = await visitor.get(following(bob.uri))
        assert not seen.page.all("form", action="/intents/follow")


async def test_somebody_here_is_followed_at_once_by_handle(instance: Instance) -> None:
    await join(instance, "carol", display_name="<b>Carol</b>")
    async with at(instance) as visitor:
        await signed_in(visitor)
        for name in ("carol", "@carol", f"acct:carol@{instance.domain}"):
            seen = await visitor.get(following(name))
            assert seen.status == 200 and "<b>Carol</b>" in seen.page.one("h1").text
        seen = await visitor.submit(seen, "/intents/follow")
        assert "You follow" in seen.page.one("h1").text
        for name in ("", "nobody", "javascript:alert(1)", "x" * 5000, instance.url + "/actor"):
            seen = await visitor.get(following(name))
            assert 400 <= seen.status < 500 or not seen.page.all("script"), name
        assert "That is you" in (await visitor.get(following("alice"))).page.text


async def test_forms_of_other_sites_neither_follow_nor_post(instance: Instance) -> None:
    carol = await join(instance, "carol")
    async with at(instance) as visitor:
        await signed_in(visitor)
        seen = await visitor.post("/intents/follow", {"id": str(carol.id)})
        assert seen.status == 403
        seen = await visitor.post("/intents/create", {"words": "spam", "audience": "public"})
        assert seen.status == 403
    assert await count(instance, Follow) == await count(instance, Status) == 0


async def test_a_post_begun_elsewhere_is_posted_by_its_author(instance: Instance) -> None:
    async with at(instance) as visitor:
        await signed_in(visitor)
        words = "\n<p>Look & see</p></textarea><script>alert(1)</script>"
        seen = await visitor.get(f"/intents/create?content={quote(words)}&summary=Warning")
        assert seen.status == 200 and not seen.page.all("script")
        assert "Look & see" in seen.page.one("textarea").text
        assert await count(instance, Status) == 0
        for audience in ("public", "private"):
            seen = await visitor.get(f"/intents/create?content={quote(words)}&summary=Warning")
            done = await visitor.submit(
                seen, "/intents/create", words="Hello #fog", audience=audience
            )
            assert done.status == 200 and "posted" in done.page.one("h1").text
            assert bool(done.page.all("a", _class="strong")) is (audience == "public")
        seen = await visitor.get("/intents/create")
        for wrong in (
            {"words": "", "audience": "public"},
            {"words": "x", "audience": "nobody"},
            {"words": "x" * 6000, "audience": "public"},
        ):
            refused = await visitor.submit(seen, "/intents/create", **wrong)
            assert refused.status == 422 and refused.page.one("p", role="alert").text
    async with instance.easel.database.read() as session:
        posted = (await session.exec(select(Status).order_by(Status.id))).all()  # type: ignore[arg-type]
        jobs = (await session.exec(select(Job.kind))).all()
    assert [(row.visibility, row.spoiler_text) for row in posted] == [
        ("public", "Warning"),
        ("private", "Warning"),
    ]
    assert "federate" in jobs


async def test_posts_and_follows_by_pages_are_counted(instance: Instance) -> None:
    carol = await join(instance, "carol")
    async with at(instance) as visitor:
        await signed_in(visitor)
        limits, now = attempts.of(instance.easel), instance.clock.now()
        async with instance.easel.database.read() as session:
            alice = await accounts.find_local(session, "alice")
        assert alice is not None and carol is not None
        for limit in (attempts.POSTS_OF_ACCOUNT, attempts.FOLLOWS_OF_ACCOUNT):
            for _ in range(limit.times):
                limits.take(limit, str(alice.id), now)
        seen = await visitor.get("/intents/create")
        done = await visitor.submit(seen, "/intents/create", words="x", audience="public")
        assert done.status == 429 and done.page.one("p", role="alert").text
        seen = await visitor.get(following("carol"))
        assert (await visitor.submit(seen, "/intents/follow")).status == 429
    assert await count(instance, Status) == await count(instance, Follow) == 0


async def test_words_that_ask_for_a_picture_get_one(instance: Instance) -> None:
    async with at(instance) as visitor:
        await signed_in(visitor)
        seen = await visitor.get("/intents/create")
        seen = await visitor.submit(
            seen, "/intents/create", words="/imagine a fox", audience="public"
        )
        assert seen.status == 200 and "painted" in seen.page.one("h1").text
    assert await count(instance, Painting) == 1 and await count(instance, Status) == 0


async def test_however_often_the_button_is_pressed_it_is_posted_once(instance: Instance) -> None:
    async with at(instance) as visitor:
        await signed_in(visitor)
        seen = await visitor.get("/intents/create")
        sent = {"words": "Once", "audience": "public"}
        refused = await visitor.submit(seen, "/intents/create", words="", audience="public")
        assert refused.status == 422  # that does not count
        pressed = await asyncio.gather(
            *(visitor.submit(refused, "/intents/create", **sent) for _ in range(4))
        )
        assert [done.status for done in pressed] == [200] * 4
        assert len({done.page.one("a", _class="strong")["href"] for done in pressed}) == 1
        assert await count(instance, Status) == 1
        again = await visitor.get("/intents/create")
        await visitor.submit(again, "/intents/create", **sent)
        assert await count(instance, Status) == 2
        painted = await visitor.get("/intents/create")
        for _ in range(2):
            sent["words"] = "/imagine a fox"
            done = await visitor.submit(painted, "/intents/create", **sent)
            assert "painted" in done.page.one("h1").text
    assert await count(instance, Painting) == 1


async def test_a_post_elsewhere_is_liked_and_boosted_by_a_button(
    instance: Instance, internet: Internet
) -> None:
    bob = internet.person("bob")
    note = bob.note("<p>Look at my fog</p>")
    internet.show(note["id"], note)
    async with at(instance) as visitor:
        await join(instance)
        for name in ("like", "announce"):
            seen = await visitor.get(f"/intents/{name}?object={quote(note['id'], safe='')}")
            assert seen.status == 303 and internet.asked.total() == 0  # nobody fetches for nobody
        await visitor.sign_in("alice")
        back = "&on-success=https://blog.example/yes&on-cancel=https://blog.example/no"
        for name, kind in (("like", Favourite), ("announce", Status)):
            before = await count(instance, kind)
            seen = await visitor.get(f"/intents/{name}?object={quote(note['id'], safe='')}{back}")
            assert seen.status == 200 and "Look at my fog" in seen.page.text
            before = await count(instance, kind)
            assert seen.page.one("a", href="https://blog.example/no")
            for _ in range(2):
                done = await visitor.submit(seen, f"/intents/{name}")
                assert done.status == 200 and "You " in done.page.one("h1").text
                assert done.page.one("a", href="https://blog.example/yes").text.endswith(
                    "blog.example"
                )
            assert await count(instance, kind) == before + 1
        await instance.run_jobs()
        assert sorted(sent["type"] for sent in internet.got()) == ["Announce", "Like"]
        refused = await visitor.post("/intents/like", {"id": "1"})
        assert refused.status == 403
        for wrong, status in (
            ("", 400),
            ("javascript:alert(1)", 400),
            (f"{bob.uri}/nothing", 404),
            (bob.uri, 404),
            (f"{instance.url}/users/alice", 404),
        ):
            seen = await visitor.get(f"/intents/like?object={quote(wrong, safe='')}")
            assert seen.status == status, wrong
        for back in ("javascript:alert(1)", "//evil.example", "data:text/html,x"):
            seen = await visitor.get(
                f"/intents/like?object={quote(note['id'], safe='')}&on-success={quote(back)}"
            )
            assert back not in seen.body


async def test_what_is_for_others_can_be_neither_liked_nor_boosted(instance: Instance) -> None:
    carol = await join(instance, "carol")
    async with instance.easel.database.write() as tx:
        draft = Draft(text="Ours alone", visibility="private")
        hidden = await statuses.publish(tx, carol, draft)
    async with at(instance) as visitor:
        await signed_in(visitor)
        public = await visitor.get("/intents/create")
        for name in ("like", "announce"):
            seen = await visitor.get(f"/intents/{name}?object={quote(hidden.uri, safe='')}")
            assert seen.status == 404 and "Ours alone" not in seen.body
            key = next(
                entry["value"] for entry in public.page.all("input") if entry["name"] == "form_key"
            )
            done = await visitor.post(f"/intents/{name}", {"id": str(hidden.id), "form_key": key})
            assert done.status == 404 and "Ours alone" not in done.body
    assert await count(instance, Favourite) == 0


async def test_an_answer_is_begun_elsewhere(instance: Instance, internet: Internet) -> None:
    bob = internet.person("bob")
    note = bob.note("<p>Where is the fog?</p>")
    internet.show(note["id"], note)
    async with at(instance) as visitor:
        await signed_in(visitor)
        asked = f"/intents/create?content=Here&inReplyTo={quote(note['id'], safe='')}"
        seen = await visitor.get(f"{asked}&on-success=https://blog.example/yes")
        assert "Where is the fog?" in seen.page.text and "Answer" in seen.page.one("h1").text
        # Its author is named, or their server would tell them nothing of it.
        assert filled(form_of(seen, "/intents/create"))["words"] == f"@{bob.handle} Here"
        said = await visitor.get(asked.replace("=Here", f"=Here,%20@{bob.handle}"))
        assert filled(form_of(said, "/intents/create"))["words"] == f"Here, @{bob.handle}"
        done = await visitor.submit(seen, "/intents/create", words="Here", audience="unlisted")
        assert done.page.one("a", href="https://blog.example/yes")
        assert (await visitor.get(f"/intents/create?inReplyTo={quote(bob.uri)}")).status == 404
    async with instance.easel.database.read() as session:
        query = select(Status).where(Status.local, Status.reblog_of_id.is_(None))  # type: ignore[arg-type, union-attr]
        [posted] = (await session.exec(query)).all()
    assert posted.in_reply_to_uri == note["id"] and posted.visibility == "unlisted"
