"""Pages that a profile names and that name it back, over real sockets."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from activitypub.context import ACTIVITY_JSON
from fedi.api.mastodon import entities
from fedi.clock import FakeClock
from fedi.federation import remote, verifying
from fedi.social import profiles, remote_accounts
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held
from tests.federation import peer
from tests.web.reading import parse

UPDATE = "/api/v1/accounts/update_credentials"
ME = "http://easel-a.localhost/@alice"


class Site:
    """Pages by their paths; a number is a status, and `asked` counts."""

    def __init__(self) -> None:
        self.pages: dict[str, str | int] = {}
        self.asked: Counter[str] = Counter()
        self.type = "text/html; charset=utf-8"
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked[request.path] += 1
        page = self.pages.get(request.path, 404)
        if isinstance(page, int):
            return web.Response(status=page)
        if page.startswith("/"):
            raise web.HTTPFound(page)
        return web.Response(body=page.encode(), headers={"Content-Type": self.type})


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    found = Site()
    application = web.Application()
    application.router.add_get("/{path:.*}", found.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    sock = rig.free_socket()
    await web.SockSite(runner, sock).start()
    found.url = f"http://site.localhost:{sock.getsockname()[1]}"
    yield found
    await runner.cleanup()


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


async def put(app: App, *values: str, wait: bool = True) -> None:
    fields = [{"name": f"page {number}", "value": value} for number, value in enumerate(values)]
    assert (await app.ask("PATCH", UPDATE, {"fields_attributes": fields})).status == 200
    if wait:
        app.instance.clock.advance(timedelta(seconds=11))
        await app.instance.run_jobs()


async def verified(app: App) -> list[bool]:
    shown = held(await app.get(f"/api/v1/accounts/{app.account.id}"), entities.Account)
    return [field.verified_at is not None for field in shown.fields]


async def test_a_page_that_links_back_verifies_the_field_that_names_it(
    alice: App, site: Site
) -> None:
    me = alice.account.url
    site.pages = {
        "/a": f'<p><A CLASS=x HREF="{me}/" Rel="nofollow ME">me</a>',
        "/link": f"<html><head><link rel=me href={me}>",
        "/actor": f"<a rel='me' href='{alice.account.uri}'>me</a>",
        "/moved": "/a",
        "/stranger": f'<a rel="me" href="{me}2">me</a>',
        "/plain": f'<a href="{me}">me</a>',
    }
    paths = ("/a", "/link", "/actor", "/moved", "/stranger", "/plain", "/nothing")
    await put(alice, *(site.url + path for path in paths), "just words", f"see {site.url}/a")
    assert await verified(alice) == [True] * 4 + [False] * 5
    async with alice.browser.get(alice.account.uri, headers={"Accept": ACTIVITY_JSON}) as answer:
        told = (await answer.json(content_type=None))["attachment"]
    assert 'rel="me ' in told[0]["value"]  # and ours can be verified elsewhere
    async with alice.browser.get(me, headers={"Accept": "text/html"}) as answer:
        links = parse(await answer.text()).all("a", href=f"{site.url}/a")
    assert links and all("me" in link["rel"].split() for link in links[:1])


async def test_what_is_verified_stays_so_until_it_changes(alice: App, site: Site) -> None:
    site.pages["/a"] = f'<a rel="me" href="{alice.account.url}">me</a>'
    await put(alice, f"{site.url}/a")
    since = held(await alice.get(f"/api/v1/accounts/{alice.account.id}"), entities.Account)
    await put(alice, "new", f"{site.url}/a", wait=False)
    again = held(await alice.get(f"/api/v1/accounts/{alice.account.id}"), entities.Account)
    assert again.fields[1].verified_at == since.fields[0].verified_at
    await put(alice, f"{site.url}/a")
    assert site.asked["/a"] == 1  # there was nothing to look at
    await put(alice, f"{site.url}/a?b")
    assert await verified(alice) == [True] and site.asked["/a"] == 2
    site.pages["/a"] = "<p>no more"
    await put(alice, f"{site.url}/a?c")
    assert await verified(alice) == [False]


async def test_a_page_that_is_away_is_asked_again(alice: App, site: Site) -> None:
    site.pages = {"/a": f'<a rel="me" href="{alice.account.url}">me</a>', "/away": 503}
    await put(alice, f"{site.url}/a", f"{site.url}/away")
    assert await verified(alice) == [True, False]
    site.pages["/away"] = site.pages["/a"]
    alice.instance.clock.advance(timedelta(hours=1))
    await alice.instance.run_jobs()
    assert await verified(alice) == [True, True] and site.asked["/a"] == 1


async def test_what_is_too_large_or_no_page_verifies_nothing(alice: App, site: Site) -> None:
    back = f'<a rel="me" href="{alice.account.url}">me</a>'
    site.pages["/large"] = back + "x" * verifying.MAX_PAGE
    await put(alice, f"{site.url}/large")
    site.type = "application/json"
    site.pages["/json"] = back
    await put(alice, f"{site.url}/large", f"{site.url}/json")
    assert await verified(alice) == [False, False]


async def test_no_page_is_asked_for_that_must_not_be_reached(
    new_database: rig.NewDatabase, tmp_path: Path, browser: aiohttp.ClientSession, site: Site
) -> None:
    async with rig.serve_instance(
        tmp_path, new_database(), federation={"allow_private_addresses": False}
    ) as instance:
        alice = await App.of(instance, browser, "alice")
        port = site.url.rpartition(":")[2]
        site.pages["/"] = f'<a rel="me" href="{alice.account.url}">me</a>'
        hosts = ("127.0.0.1", "site.localhost", "[::1]", "0x7f.1", "localhost")
        await put(alice, *(f"http://{host}:{port}/" for host in hosts))
        assert await verified(alice) == [False] * 5 and not site.asked


@pytest.mark.parametrize(
    "page",
    [
        "<script>x = '{}'</script>",
        "<textarea>{}</textarea>",
        "<!-- {} -->",
        "<!-- {}",
        "<style>{}</style>",
        "<title>{}</title>",
        "<iframe>{}</iframe>",
        "<template>{}",
        '<p title="{}">',
        "&lt;a rel=me href=x&gt;",
    ],
)
def test_what_is_no_markup_of_the_page_links_nowhere(page: str) -> None:
    said = f"<a rel='me' href='{ME}'>me</a>"
    assert list(verifying.links_back(page.format(said))) == []
    assert list(verifying.links_back(f"<p>{said}</p>")) == [ME]


@pytest.mark.parametrize(
    "part", ["<a ", '<a "', "<a '", "<", "<!--", "<script", "<a rel=", "<a x=y ", "<a =", "<a\t=\t"]
)
def test_no_page_takes_long(part: str) -> None:
    page = part * (verifying.MAX_PAGE // len(part))
    begun = time.process_time()
    assert list(verifying.links_back(page)) == []
    assert time.process_time() - begun < 5


async def test_pages_of_somebody_elsewhere_are_looked_at_once_for_each_change(
    new_database: rig.NewDatabase, tmp_path: Path, browser: aiohttp.ClientSession, clock: FakeClock
) -> None:
    async with (
        peer.opened(clock) as internet,
        rig.serve_instance(
            tmp_path, new_database(), clock=clock, instance={"link_previews": True}
        ) as instance,
    ):
        alice = await App.of(instance, browser, "alice")
        bob = internet.person("bob")
        site = f"http://{internet.host('site')}"
        back = f'<a rel="me" href="{bob.origin}/@bob">me</a>'
        for path in ("/a", "/b", "/5", "/late"):
            _serve(internet, site + path, back)
        _serve(internet, f"{site}/stranger", '<a rel="me" href="https://x.example/">me</a>')
        values = [f'<a href="{site}/a" rel="me nofollow">a</a>', f"{site}/b",
                  f'see <a href="{site}/5">this</a>', f'<a href="{site}/stranger">s</a>',
                  f'<a href="{site}/5">fifth</a>']  # fmt: skip
        internet.show(bob.uri, bob.document(attachment=_lines(values)))
        account = await remote.resolve(instance.easel, bob.handle)
        await instance.run_jobs()
        assert not internet.asked[f"{site}/a"]  # not all servers at once
        await _later(instance)
        assert await _marks(alice, account.id) == [True, True, False, False, False]
        assert internet.asked[f"{site}/5"] == 0 and internet.asked[f"{site}/stranger"] == 1
        # Read again as it was, nothing is visited; with a new line, what is not known to link back.
        await _reread(instance, bob)
        await _later(instance)
        assert internet.asked[f"{site}/stranger"] == 1
        values = [f'<a href="{site}/late">l</a>', *values[:2]]
        internet.show(bob.uri, bob.document(attachment=_lines(values)))
        await _reread(instance, bob)
        assert await _marks(alice, account.id) == [False, True, True]
        await _later(instance)
        assert await _marks(alice, account.id) == [True] * 3
        assert internet.asked[f"{site}/a"] == internet.asked[f"{site}/late"] == 1


def _serve(internet: peer.Internet, url: str, page: str) -> None:
    internet.pages[url] = lambda _: web.Response(text=page, content_type="text/html")


def _lines(values: list[str]) -> list[dict[str, str]]:
    return [{"type": "PropertyValue", "name": "page", "value": value} for value in values]


async def _reread(instance: rig.Instance, person: peer.Person) -> None:
    await person.does(instance, person.activity("Update", (await _document(person))))


async def _document(person: peer.Person) -> peer.Document:
    async with rig.open_browser() as browser, browser.get(person.uri) as answer:
        found: peer.Document = await answer.json(content_type=None)
        return found


async def _later(instance: rig.Instance) -> None:
    instance.clock.advance(profiles.VERIFY_DELAY + timedelta(seconds=remote_accounts.SPREAD_S))
    await instance.run_jobs()


async def _marks(app: App, account_id: int) -> list[bool]:
    shown = held(await app.get(f"/api/v1/accounts/{account_id}"), entities.Account)
    return [field.verified_at is not None for field in shown.fields]
