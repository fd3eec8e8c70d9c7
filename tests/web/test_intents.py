"""Links from elsewhere lead to pages on which people follow and post: by a button, never by a
link."""

from __future__ import annotations

from urllib.parse import quote

from sqlmodel import select

from fedi.database.tables import Follow, Job, Painting, Status
from fedi.social import accounts, attempts
from tests.api.oauth.person import PASSWORD, Person, at, join
from tests.federation.peer import Internet
from tests.rig import Instance


async def count(instance: Instance, table: type[Follow | Status | Painting]) -> int:
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
            done = await visitor.submit(
                seen, "/intents/create", words="Hello #fog", audience=audience
            )
            assert done.status == 200 and "posted" in done.page.one("h1").text
            assert bool(done.page.all("a", _class="strong")) is (audience == "public")
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
