"""Pages that posts link to: visited once, and shown below the posts, over real sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from sqlmodel import select

from fedi.api.mastodon import entities
from fedi.clock import FakeClock
from fedi.database.tables import Job, LinkPreview, RemoteFile
from fedi.federation import previewing
from fedi.social import previews, profiles
from fedi.social.profiles import Changes
from fedi.social.trends import counting
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held, nobody, post
from tests.api.mastodon.streams import listening
from tests.federation import peer, seeing
from tests.federation.peer import Internet, Person
from tests.studio.hostile_files import encoded, scene
from tests.web.reading import parse

HTML = "text/html; charset=utf-8"
PICTURE = encoded(scene(640, 360), "PNG")


@pytest.fixture
async def instance(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock
) -> AsyncIterator[rig.Instance]:
    """One that visits what posts link to."""
    async with rig.serve_instance(
        tmp_path, new_database(), clock=clock, instance={"link_previews": True}
    ) as instance:
        yield instance


@pytest.fixture
async def app(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


@pytest.fixture
async def blog(internet: Internet) -> str:
    """A site with a page at `/fox`; its address."""
    site = f"http://{internet.host('blog')}"
    show(internet, f"{site}/fox", page("A fox", image="/fox.png"))
    internet.pages[f"{site}/fox.png"] = lambda _: web.Response(
        body=PICTURE, content_type="image/png"
    )
    return site


def page(title: str, *, image: str = "", more: str = "") -> str:
    picture = f'<meta property="og:image" content="{image}">' if image else ""
    return f"<!doctype html><html lang=de><head><title>{title}</title>{picture}{more}</head><p>."


def show(internet: Internet, url: str, body: str | bytes, type_: str = HTML) -> None:
    content = body.encode() if isinstance(body, str) else body
    internet.pages[url] = lambda _: web.Response(body=content, headers={"Content-Type": type_})


async def settle(instance: rig.Instance, wait: float = 0) -> None:
    instance.clock.advance(timedelta(seconds=wait))
    await instance.run_jobs()


async def card(app: App, status_id: str) -> entities.PreviewCard | None:
    shown: entities.Status = held(await app.get(f"/api/v1/statuses/{status_id}"), entities.Status)
    return shown.card


async def rows(instance: rig.Instance, kind: Any) -> list[Any]:
    async with instance.easel.database.read() as session:
        return list((await session.exec(select(kind))).all())


async def visits(instance: rig.Instance) -> list[str]:
    """The pages that are to be visited."""
    return [job.payload["url"] for job in await rows(instance, Job) if job.kind == "preview"]


async def test_a_page_is_visited_once_and_shown_below_all_posts_that_link_to_it(
    app: App, internet: Internet, blog: str
) -> None:
    url = f"{blog}/fox?a=1&b=2#tail"
    meta = "".join(
        f'<meta property="{name}" content="{value}">'
        for name, value in {
            "og:description": "How to paint &amp; keep one",
            "og:site_name": "The blog",
            "og:image:alt": "Blue above",
            "article:published_time": "2026-03-01T10:00:00+02:00",
            "author": "Ann",
        }.items()
    )
    show(internet, f"{blog}/fox?a=1&b=2", page("A fox", image="/fox.png", more=meta))
    status = await post(app, f"see {url} and {blog}/other")
    second = await post(app, f"again {url}")
    assert status.card is None
    async with listening(app, "user") as socket:
        await settle(app.instance)
        heard = [await socket.next() for _ in range(2)]
    assert [one.event for one in heard] == ["status.update"] * 2
    assert {one.payload["id"] for one in heard} == {status.id, second.id}
    assert all(one.payload["card"]["title"] == "A fox" for one in heard)
    shown = await card(app, status.id)
    assert shown is not None
    assert (shown.url, shown.type, shown.html) == (url.removesuffix("#tail"), "link", "")
    assert (shown.title, shown.description) == ("A fox", "How to paint & keep one")
    assert (shown.provider_name, shown.language) == ("The blog", "de")
    assert (shown.author_name, shown.published_at) == ("Ann", "2026-03-01T08:00:00.000Z")
    assert [(one.name, one.account) for one in shown.authors] == [("Ann", None)]
    assert internet.asked[f"{blog}/fox?a=1&b=2"] == 1 and not internet.signed
    assert internet.asked[f"{blog}/fox.png"] == 0  # until somebody sees it
    # The picture comes from us, and is then known.
    assert shown.image is not None and shown.image.startswith(app.instance.url)
    assert shown.blurhash is None and shown.image_description == "Blue above"
    async with app.browser.get(shown.image) as answer:
        assert answer.status == 200 and answer.content_type == "image/png"
    again = await card(nobody(app.instance, app.browser, app), second.id)
    assert again is not None and again.blurhash and (again.width, again.height) == (640, 360)
    [file] = await rows(app.instance, RemoteFile)
    assert (file.kind, file.state) == ("preview", "ready")  # and falls under the budget
    # A third post finds all of it at once.
    assert (await post(app, f"third {url}")).card == again and not await visits(app.instance)


async def test_a_page_shows_it_with_its_words_escaped_and_its_picture_from_here(
    app: App, internet: Internet, blog: str
) -> None:
    evil = "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&gt;&lt;img src=x onerror=alert(1)&gt;"
    show(
        internet,
        f"{blog}/evil",
        page(evil, image="/fox.png", more=f'<meta name=description content="{evil}">'),
    )
    status = await post(app, f"see {blog}/evil")
    await settle(app.instance)
    async with app.browser.get(status.url or "", headers={"Accept": "text/html"}) as answer:
        shown = parse(await answer.text()).one("a", _class="linked")
    assert shown["href"] == f"{blog}/evil" and "noopener" in shown["rel"]
    assert "<script>alert(1)</script>" in shown.text and "blog.localhost" in shown.text
    assert shown.one("img")["src"].startswith("/media/remote/") and not shown.all("script")
    warned = await post(app, f"see {blog}/evil", sensitive=True)
    async with app.browser.get(warned.url or "", headers={"Accept": "text/html"}) as answer:
        assert not parse(await answer.text()).one("a", _class="linked").all("img")


async def test_what_is_no_page_for_everybody_is_not_visited(
    app: App, internet: Internet, blog: str
) -> None:
    url = f"{blog}/fox"
    for more in ({"visibility": "private"}, {"visibility": "direct"}):
        status = await post(app, f"@alice see {url}", **more)
        assert not await visits(app.instance) and status.card is None
    await post(
        app, f"@alice #fox {app.instance.url}/@alice {status.url} ftp://{internet.host('x')}/"
    )
    assert not await visits(app.instance)
    status = await post(app, f"see {app.instance.url}/about and {url}", visibility="unlisted")
    assert await visits(app.instance) == [url]
    await settle(app.instance)
    assert (await card(app, status.id)) is not None


async def test_an_edit_shows_what_it_links_to_now(app: App, internet: Internet, blog: str) -> None:
    show(internet, f"{blog}/hen", page("A hen"))
    status = await post(app, f"see {blog}/fox")
    await settle(app.instance)
    path = f"/api/v1/statuses/{status.id}"
    assert (await app.ask("PUT", path, {"status": f"no, see {blog}/hen"})).status == 200
    await settle(app.instance, wait=3)
    shown = await card(app, status.id)
    assert shown is not None and shown.title == "A hen"
    assert held(await app.ask("PUT", path, {"status": "nothing"}), entities.Status).card is None
    again = held(await app.ask("PUT", path, {"status": f"see {blog}/fox"}), entities.Status)
    assert again.card is not None and again.card.title == "A fox"
    form = aiohttp.FormData()
    form.add_field("file", PICTURE, filename="a.png", content_type="image/png")
    headers = {"Authorization": f"Bearer {app.token}"}
    async with app.browser.post(
        f"{app.instance.url}/api/v2/media", data=form, headers=headers
    ) as answer:
        media_id = (await answer.json())["id"]
    with_picture = {"status": f"see {blog}/fox", "media_ids": [media_id]}
    assert held(await app.ask("PUT", path, with_picture), entities.Status).card is None


async def test_posts_from_elsewhere_have_a_page_visited_some_time_after_they_came(
    instance: rig.Instance, app: App, internet: Internet, blog: str
) -> None:
    bob = await _followed(app, internet, "bob")
    name = f'<a href="{bob.uri}" class="u-url mention">@bob</a> <a href="{blog}/t">#fox</a>'
    quoted = f'<p class="quote-inline">RE: <a href="{blog}/q">{blog}/q</a></p>'
    linking = f'{quoted}<p>{name} <a href="{blog}/fox">{blog}/fox</a></p>'
    notes = [bob.note(linking), bob.note(linking), bob.note(f"<p>{name}</p>")]
    notes.append(bob.note(linking, to=[bob.followers], cc=[]))
    notes.append(bob.note(linking, attachment=[{"type": "Image", "url": f"{blog}/fox.png"}]))
    for note in notes:
        assert await bob.send(instance, bob.create(note)) == 202
    await settle(instance)
    assert await visits(instance) == [f"{blog}/fox"] and not internet.asked[f"{blog}/fox"]
    await settle(instance, wait=previews.SPREAD_S)
    assert internet.asked[f"{blog}/fox"] == 1 and not internet.asked[f"{blog}/q"]
    titles = []
    for note in notes:
        seen = await seeing.seen(instance, app.account, note["id"])
        assert seen is not None
        titles.append(seen.preview.title if seen.preview is not None else None)
    assert titles == ["A fox", "A fox", None, None, None]
    edited = {**notes[0], "content": "<p>no more</p>", "updated": peer.stamp(instance.clock.now())}
    await bob.does(instance, bob.activity("Update", edited))
    seen = await seeing.seen(instance, app.account, notes[0]["id"])
    assert seen is not None and seen.preview is None


async def test_a_link_to_a_post_that_is_here_gives_way_to_the_next(
    instance: rig.Instance, app: App, internet: Internet, blog: str
) -> None:
    bob = await _followed(app, internet, "bob")
    note = bob.note("<p>hi</p>")
    await bob.does(instance, bob.create(note))
    at = f"{bob.origin}/@bob/1"
    there = f'<link rel="alternate" type="application/activity+json" href="{note["id"]}">'
    show(internet, at, page("bob: hi", more=there))
    plain = await post(app, f"{note['id']} {blog}/fox")
    by_page = await post(app, f"{at} {blog}/fox")
    later = [await settle(instance, wait=3) for _ in range(3)]
    assert later and internet.asked[note["id"]] == 0 and internet.asked[at] == 1
    last = await post(app, f"{at} {blog}/fox")
    for status in (plain, by_page, last):
        shown = await card(app, status.id)
        assert shown is not None and shown.title == "A fox"


async def _followed(app: App, internet: Internet, name: str) -> Person:
    person = internet.person(name)
    await seeing.befriend(app.instance, app.account, person)
    return person


async def test_whom_a_page_names_is_its_author_if_they_say_so_of_the_page(
    app: App, internet: Internet, blog: str
) -> None:
    more = f'<meta name="fediverse:creator" content="@alice@{app.instance.domain}">'
    show(internet, f"{blog}/mine", page("Mine", more=more))
    show(internet, f"http://{internet.host('other')}/stolen", page("Mine", more=more))
    easel = app.instance.easel
    async with easel.database.write() as tx:
        account = await tx.get_one(type(app.account), app.account.id)
        await profiles.change(tx, account, Changes(attribution_domains=["blog.localhost"]))
    mine = await post(app, f"{blog}/mine")
    stolen = await post(app, f"http://{internet.host('other')}/stolen")
    await settle(app.instance)
    shown = await card(app, mine.id)
    assert shown is not None and [one.account and one.account.acct for one in shown.authors] == [
        "alice"
    ]
    shown = await card(app, stolen.id)
    assert shown is not None and shown.authors == []


async def test_an_oembed_adds_what_it_knows_and_its_markup_is_never_shown(
    app: App, internet: Internet, blog: str
) -> None:
    def embedding(kind: str) -> str:
        about = f'<link rel="alternate" type="application/json+oembed" href="/o/{kind}">'
        return page("Film &amp; photo" if kind == "video" else "", more=about)

    told: dict[str, dict[str, Any]] = {
        "video": {"title": "no", "author_name": "Ann", "author_url": "javascript:alert(1)",
                  "thumbnail_url": "/fox.png", "thumbnail_width": 640, "thumbnail_height": "360"},
        "photo": {"title": "Photo", "url": f"{blog}/fox.png", "width": 640, "height": 360},
        "broken": {"type": ["x"], "title": {"a": 1}},
    }  # fmt: skip
    for kind, document in told.items():
        show(internet, f"{blog}/{kind}", embedding(kind))
        whole = {"type": kind, "version": "1.0", "html": "<script>alert(1)</script>", **document}
        show(internet, f"{blog}/o/{kind}", json.dumps(whole), "application/json")
    statuses = [await post(app, f"{blog}/{kind}") for kind in told]
    for _ in statuses:
        await settle(app.instance, wait=3)
    video, photo, broken = [await card(app, status.id) for status in statuses]
    assert video is not None and photo is not None and broken is None
    assert (video.title, video.type, video.author_name) == ("Film & photo", "link", "Ann")
    assert (video.author_url, video.html, video.embed_url) == ("", "", "")
    assert (video.width, video.height) == (640, 360) and video.image is not None
    assert (photo.title, photo.type, photo.html) == ("Photo", "photo", "")
    assert photo.embed_url == photo.image and photo.embed_url.startswith(app.instance.url)


async def _endless(chunk: bytes) -> AsyncIterator[bytes]:
    while True:
        yield chunk


async def test_no_page_does_harm(app: App, internet: Internet, blog: str) -> None:
    """Endless, in circles, of another type or charset, too long in all its parts."""
    site = f"http://{internet.host('evil')}"
    head = page("Endless").encode()

    def endless(start: bytes, type_: str) -> peer.Page:
        return lambda _: web.Response(
            body=_endless(start + b" " * 65536), headers={"Content-Type": type_}
        )

    internet.pages[f"{site}/endless"] = endless(head, HTML)
    internet.pages[f"{site}/film"] = endless(head, "video/mp4")
    internet.redirect(f"{site}/circle", f"{site}/circle")
    internet.redirect(f"{site}/file", "file:///etc/passwd")
    show(internet, f"{site}/long", page("t" * 500_000, image="/" + "x" * 9000))
    show(internet, f"{site}/script", page("Script", image="javascript:alert(1)"))
    show(internet, f"{site}/data", page("Data", image="data:text/html,<script>"))
    show(internet, f"{site}/latin", page("Käse").encode("latin-1"))
    show(internet, f"{site}/odd", page("Käse").encode(), "text/html; charset=rot13")
    show(internet, f"{site}/kana", page("日本").encode("shift_jis"), "text/html; charset=Shift_JIS")
    show(internet, f"{site}/said", b"<meta charset=koi8-r>" + page("Лиса").encode("koi8-r"))
    show(internet, f"{site}/nul", page("a\0b\u202ec\ud800".encode("utf-8", "replace").decode()))
    show(internet, f"{site}/none", "<p>nothing</p>")
    show(internet, f"{site}/json", page("JSON"), "application/json")
    show(internet, f"{site}/part", b"<title>cut")
    internet.fail(f"{site}/gone", 410)
    wanted = {
        "endless": "Endless", "film": None, "circle": None, "file": None,
        "long": "t" * 300, "script": "Script", "data": "Data", "latin": "Käse", "odd": "Käse",
        "kana": "日本", "said": "Лиса", "none": None, "json": None, "part": "cut",
        "gone": None, "nul": "abc?",
    }  # fmt: skip
    statuses = {name: (await post(app, f"{site}/{name}")).id for name in wanted}
    for _ in wanted:
        await settle(app.instance, wait=3)
    found = {name: await card(app, status_id) for name, status_id in statuses.items()}
    assert {name: one and one.title for name, one in found.items()} == wanted
    assert all(one is None or one.image is None for one in found.values())
    assert not [job for job in await rows(app.instance, Job) if job.state == "dead"]


async def test_no_address_is_visited_that_must_not_be_reached(
    sqlite_template: Path, tmp_path: Path, browser: aiohttp.ClientSession, internet: Internet
) -> None:
    url = rig.SQLiteFiles(sqlite_template, tmp_path).new()
    async with rig.serve_instance(
        tmp_path,
        url,
        instance={"link_previews": True},
        federation={"allow_private_addresses": False},
    ) as instance:
        alice = await App.of(instance, browser, "alice")
        for host in ("127.0.0.1", "10.0.0.1", "[::1]", "[fe80::1]", "0x7f.1", "blog.localhost"):
            for scheme in ("http", "https"):
                await post(alice, f"{scheme}://{host}:{internet.port}/fox")
        for _ in range(3):
            await settle(instance, wait=3)
        assert not internet.asked
        assert {row.state for row in await rows(instance, LinkPreview)} == {"failed"}


async def test_a_site_is_visited_now_and_then_whatever_is_posted(
    app: App, internet: Internet, blog: str
) -> None:
    for number in range(5):
        show(internet, f"{blog}/{number}", page(f"Page {number}"))
        await post(app, f"{blog}/{number}")
    await post(app, f"http://{internet.host('elsewhere')}/")
    seen = []
    for _ in range(3):
        await settle(app.instance, wait=previewing.PAUSE.total_seconds())
        seen.append(sum(count for url, count in internet.asked.items() if url.startswith(blog)))
    assert seen == [1, 2, 3] and internet.asked[f"http://{internet.host('elsewhere')}/"] == 1
    await settle(app.instance, wait=previewing.LATE.total_seconds() + 1)
    assert not await visits(app.instance)  # old news


async def test_a_page_is_read_again_when_it_is_posted_again_after_a_while(
    app: App, internet: Internet, blog: str
) -> None:
    url = f"{blog}/fox"
    status = await post(app, url)
    await settle(app.instance)
    show(internet, url, page("Another fox"))
    app.instance.clock.advance(previews.FRESH - timedelta(minutes=1))
    await post(app, url)
    await settle(app.instance)
    assert internet.asked[url] == 1
    app.instance.clock.advance(timedelta(minutes=1))
    await post(app, url)
    await settle(app.instance)
    shown = await card(app, status.id)
    assert internet.asked[url] == 2 and shown is not None and shown.title == "Another fox"
    # What it said stays when it is away for a while.
    internet.fail(url, 404)
    app.instance.clock.advance(previews.FRESH)
    await post(app, url)
    await settle(app.instance)
    shown = await card(app, status.id)
    assert internet.asked[url] == 3 and shown is not None and shown.title == "Another fox"


async def test_a_page_that_is_away_is_asked_some_times_and_then_for_a_day_no_more(
    app: App, internet: Internet, blog: str
) -> None:
    url = f"{blog}/away"
    internet.fail(url, 503)
    status = await post(app, url)
    for _ in range(previewing.ATTEMPTS + 1):
        await settle(app.instance, wait=previewing.RETRY_WAIT.total_seconds() * 1.5)
    assert internet.asked[url] == previewing.ATTEMPTS and not await visits(app.instance)
    show(internet, url, page("Back"))
    await post(app, url)
    await settle(app.instance)
    assert internet.asked[url] == previewing.ATTEMPTS
    app.instance.clock.advance(previews.AGAIN)
    await post(app, url)
    await settle(app.instance)
    shown = await card(app, status.id)
    assert shown is not None and shown.title == "Back"


async def test_old_previews_go_when_no_post_shows_them(app: App, blog: str) -> None:
    kept, gone = await post(app, f"{blog}/fox"), await post(app, f"{blog}/nothing")
    for _ in range(3):
        await settle(app.instance, wait=3)
    assert (await app.ask("DELETE", f"/api/v1/statuses/{gone.id}")).status == 200
    async with app.instance.easel.database.write() as tx:
        assert await previews.drop_stale(tx) == 0
    app.instance.clock.advance(previews.KEPT + timedelta(days=1))
    await settle(app.instance)
    await settle(app.instance, wait=3700)
    [row] = await rows(app.instance, LinkPreview)
    assert row.url == f"{blog}/fox" and (await card(app, kept.id)) is not None


async def test_trending_links_have_their_titles_and_pictures(app: App, blog: str) -> None:
    bob = await App.of(app.instance, app.browser, "bob")
    easel = app.instance.easel
    for one in (app, bob):
        async with easel.database.write() as tx:
            account = await tx.get_one(type(one.account), one.account.id)
            await profiles.change(tx, account, Changes(discoverable=True))
        await post(one, f"see {blog}/fox")
    await settle(app.instance)
    await settle(app.instance, wait=counting.SETTLE.total_seconds())
    links = held(await app.get("/api/v1/trends/links"), list[entities.TrendsLink])
    assert [(one.title, one.image is not None) for one in links] == [("A fox", True)]
    async with app.browser.get(f"{app.instance.url}/explore") as answer:
        section = parse(await answer.text()).one("section", **{"aria-labelledby": "links"})
    assert "A fox" in section.text and len(section.all("img")) == 1


async def test_nothing_is_visited_where_the_host_wants_none_of_it(
    sqlite_template: Path, tmp_path: Path, browser: aiohttp.ClientSession, internet: Internet
) -> None:
    files = rig.SQLiteFiles(sqlite_template, tmp_path)
    async with rig.serve_instance(tmp_path, files.new()) as instance:
        alice = await App.of(instance, browser, "alice")
        await post(alice, f"http://{internet.host('blog')}/fox")
        assert not await visits(instance)
        await settle(instance, wait=61)
        assert not internet.asked and not await rows(instance, LinkPreview)
