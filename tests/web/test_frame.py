"""The frame of who is signed in: where it leads, who sees it, and what it is drawn in."""

from __future__ import annotations

from fedi.database.tables import Notification
from tests.api.oauth.person import Person, at, join
from tests.rig import Instance
from tests.web import hanging


async def signed_in(visitor: Person, name: str = "alice") -> None:
    seen = await visitor.sign_in(name)
    assert seen.location == "/home"


async def test_the_frame_leads_to_all_that_somebody_has(instance: Instance) -> None:
    await join(instance)
    async with at(instance) as visitor:
        await signed_in(visitor)
        seen = await visitor.get("/")
        assert seen.status == 303 and seen.location == "/home"
        frame = (await visitor.get("/home")).page.one("header", _class="masthead")
        paths = {link["href"] for link in frame.all("a")}
        assert {"/home", "/local", "/federated", "/studio", "/@alice", "/settings"} <= paths
        current = frame.all("a", aria_current="page") or [
            link for link in frame.all("a") if "aria-current" in link.attributes
        ]
        assert [link["href"] for link in current] == ["/home"]
        for path in ("/home", "/local", "/federated", "/settings/appearance", "/settings/security"):
            seen = await visitor.get(path)
            assert seen.status == 200 and seen.page.one("header", _class="masthead"), path
        left = await visitor.submit(seen, "/sign-out")
        assert left.location == "/" and left.headers["Clear-Site-Data"] == '"cache", "storage"'
        assert (await visitor.get("/home")).location == "/sign-in?next=/home"


async def test_every_page_stands_in_the_frame_and_is_kept_by_no_cache(instance: Instance) -> None:
    alice = await join(instance)
    post = await hanging.hang(instance, alice, text="hello #fog", visibility="private")
    paths = ["/@alice", "/@alice/posts", f"/@alice/{post.id}", "/tags/fog", "/about", "/nothing"]
    async with at(instance) as visitor:
        assert (await visitor.get(f"/@alice/{post.id}")).status == 404
        await signed_in(visitor)
        for path in paths:
            seen = await visitor.get(path)
            assert "@alice" in seen.page.one("header", _class="masthead").text, path
            assert "public" not in seen.headers["Cache-Control"], path
        assert (await visitor.get(f"/@alice/{post.id}")).status == 200


async def test_nobody_sees_the_simple_frame(instance: Instance) -> None:
    async with at(instance) as visitor:
        for path in ("/", "/local", "/about"):
            seen = await visitor.get(path)
            assert seen.status == 200 and not seen.page.all("form"), path
            assert "script-src" not in seen.headers["Content-Security-Policy"]
            assert seen.headers["Cache-Control"].startswith("public")


async def test_what_waits_to_be_read_is_counted(instance: Instance) -> None:
    alice = await join(instance)
    bob = await join(instance, "bob")
    async with instance.easel.database.write() as tx:
        for _ in range(25):
            tx.add(
                Notification(
                    id=tx.new_id(),
                    account_id=alice.id,
                    from_account_id=bob.id,
                    type="follow",
                    created_at=tx.now,
                )
            )
    async with at(instance) as visitor:
        await signed_in(visitor)
        assert "20+ unread" in (await visitor.get("/home")).page.one("b", _class="count").text


async def test_light_or_dark_is_chosen_by_everybody_for_their_browser(instance: Instance) -> None:
    async with at(instance) as visitor:
        seen = await visitor.get("/settings/appearance")
        assert "data-theme" not in seen.page.one("html").attributes
        seen = await visitor.submit(seen, "/settings/appearance", theme="dark")
        assert seen.status == 303
        page = (await visitor.get("/")).page
        assert page.one("html")["data-theme"] == "dark"
        assert page.meta("color-scheme") == "dark"
        seen = await visitor.get("/settings/appearance")
        assert (await visitor.submit(seen, "/settings/appearance", theme="<b>")).status == 422
        await visitor.submit(seen, "/settings/appearance", theme="")
        assert "data-theme" not in (await visitor.get("/")).page.one("html").attributes
        assert (await visitor.post("/settings/appearance", {"theme": "dark"})).status == 403
