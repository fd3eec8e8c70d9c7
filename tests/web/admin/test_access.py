"""Who may open which of the pages of those who run an instance, and do what stands on them."""

from __future__ import annotations

from starlette.routing import Route

from fedi.web import admin
from tests.api.oauth.person import at, join
from tests.rig import Instance
from tests.web import hanging
from tests.web.admin.staff import appoint, done, report, signed_in, waiting

BOTH, ADMIN = {"moderator", "admin"}, {"admin"}
# Each page, and who may open it.
PAGES = {
    "/admin": BOTH,
    "/admin/reports": BOTH,
    "/admin/reports?settled=1": BOTH,
    "/admin/reports/{report}": BOTH,
    "/admin/accounts": BOTH,
    "/admin/accounts?q=a&where=here&state=active": BOTH,
    "/admin/accounts/{account}": BOTH,
    "/admin/joining": BOTH,
    "/admin/pictures": BOTH,
    "/admin/trends": BOTH,
    "/admin/trends?kind=prompt": BOTH,
    "/admin/log": BOTH,
    "/admin/rules": ADMIN,
    "/admin/announcements": ADMIN,
    "/admin/emoji": ADMIN,
    "/admin/barred": ADMIN,
    "/admin/domains": ADMIN,
    "/admin/domains/export": ADMIN,
    "/admin/servers": ADMIN,
    "/admin/servers?host=elsewhere.example": ADMIN,
    "/admin/data": ADMIN,
    "/admin/queue": ADMIN,
    "/admin/storage": ADMIN,
    "/admin/jobs": ADMIN,
}


def plain(path: str) -> str:
    return path.partition("?")[0]


def test_every_page_is_in_the_table() -> None:
    served = {
        route.path
        for route in admin.routes
        if isinstance(route, Route) and "GET" in (route.methods or ())
    } - {"/admin/pictures/{id:int}/file"}
    named = {
        plain(path).replace("{report}", "{id:int}").replace("{account}", "{id:int}")
        for path in PAGES
    }
    assert served == named


async def test_each_page_opens_to_those_who_may(instance: Instance) -> None:
    alice = await join(instance)
    bob = await join(instance, "bob")
    await appoint(instance)
    await appoint(instance, "ada", "admin")
    made = await report(instance, alice, bob)
    await waiting(instance)
    ids = {"report": str(made.id), "account": str(bob.id)}
    async with at(instance) as visitor:
        for path in PAGES:
            seen = await visitor.get(path.format(**ids))
            assert seen.status == 303 and seen.location.startswith("/sign-in?next=/admin"), path
    for name, role in (("alice", "user"), ("max", "moderator"), ("ada", "admin")):
        async with signed_in(instance, name) as visitor:
            for path, roles in PAGES.items():
                seen = await visitor.get(path.format(**ids))
                assert seen.status == (200 if role in roles else 403), (name, path)
                assert seen.headers["Cache-Control"] == "no-store", path
                listed = {link["href"] for link in seen.page.all("a")}
                if role not in roles:
                    assert seen.page.one("h1").text == "Not for you"
                elif not path.endswith("/export"):
                    assert plain(path).partition("/{")[0] in listed


async def test_no_form_is_taken_from_who_may_not_send_it(instance: Instance) -> None:
    await join(instance)
    bob = await join(instance, "bob")
    await appoint(instance)
    deeds = [
        route.path
        for route in admin.routes
        if isinstance(route, Route) and "POST" in (route.methods or ())
    ]
    assert len(deeds) > 10
    async with at(instance) as visitor:
        for path in deeds:
            seen = await visitor.post(path.replace("{id:int}", str(bob.id)), {"action": "suspend"})
            assert seen.status == 303 and seen.location == "/sign-in?next=/home", path
    async with signed_in(instance, "alice") as visitor:
        key = (await visitor.get("/home")).page.all("input", name="form_key")[0]["value"]
        for path in deeds:
            seen = await visitor.post(path.replace("{id:int}", str(bob.id)), {"form_key": key})
            assert seen.status == 403 and "Not for you" in seen.body, path
    async with signed_in(instance) as visitor:  # a form that is not from our page
        for path in deeds:
            fields = {"form_key": "x", "action": "suspend"}
            seen = await visitor.post(path.replace("{id:int}", str(bob.id)), fields)
            assert seen.status == 403, path
    assert await done(instance) == []


async def test_the_frame_leads_there_and_counts_what_waits(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    await appoint(instance)
    async with signed_in(instance) as visitor:
        entry = (await visitor.get("/home")).page.one("a", href="/admin")
        assert entry.text == "Moderation"
        await report(instance, alice, bob)
        await waiting(instance)
        entry = (await visitor.get("/home")).page.one("a", href="/admin")
        assert "2 waiting" in entry.text
        counts = (await visitor.get("/admin")).page.one("ul", _class="waits").text
        assert "1 report to settle" in counts and "1 person asks" in counts
    async with signed_in(instance, "alice") as visitor:
        assert not (await visitor.get("/home")).page.all("a", href="/admin")


async def test_what_is_not_there_is_said_to_be_so(instance: Instance) -> None:
    await appoint(instance)
    await hanging.stranger(instance)
    async with signed_in(instance) as visitor:
        for path in ("/admin/nothing", "/admin/reports/1", "/admin/accounts/1",
                     f"/admin/accounts/{10**30}", f"/admin/reports/{10**30}"):  # fmt: skip
            assert (await visitor.get(path)).status == 404, path
        key = (await visitor.get("/admin")).page.all("input", name="form_key")[0]["value"]
        for path in ("/admin/reports/1/take", f"/admin/reports/{10**30}/settle",
                     "/admin/accounts/1/act", f"/admin/accounts/{10**30}/approve"):  # fmt: skip
            seen = await visitor.post(path, {"form_key": key, "action": "suspend"})
            assert seen.status == 404 and "Nothing hangs here" in seen.body, path
