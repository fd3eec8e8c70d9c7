"""What other apps on a device share with the pages: pictures for a post, words for the studio."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import pytest
from sqlmodel import select

from fedi.database.tables import MediaAttachment, Status
from tests.api.oauth.person import HTML, Person, Seen, at, join
from tests.rig import Instance
from tests.web import hanging
from tests.web.filling import filled, form_of, send
from tests.web.test_browser import chromium
from tests.web.test_hostile import STRINGS
from tests.web.test_signed_in_browser import window

__all__ = ["chromium"]

# Nothing here asks the database for more than other pages do.
pytestmark = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)

# What an app on the device, or a page elsewhere, sends: without any key of ours.
FORM = """(action) => {
    const form = document.createElement("form");
    [form.action, form.method, form.enctype] = [action, "post", "multipart/form-data"];
    const file = document.createElement("input");
    [file.type, file.name] = ["file", "picture"];
    form.append(file);
    document.body.append(form);
}"""


async def share(visitor: Person, *pictures: bytes, text: str | None = None, **headers: str) -> Seen:
    """Share something as a device does that follows the manifest."""
    told = json.loads((await visitor.get("/manifest.webmanifest")).body)["share_target"]
    assert (told["method"], told["enctype"]) == ("POST", "multipart/form-data")
    body = aiohttp.FormData(default_to_multipart=True)
    if text is not None:
        body.add_field(told["params"]["text"], text)
    [files] = told["params"]["files"]
    for content in pictures:
        assert "image/png" in files["accept"]
        body.add_field(files["name"], content, filename="a.png", content_type="image/png")
    url = urljoin(visitor.instance.url, told["action"])
    async with visitor.session.post(
        url, data=body, headers=HTML | headers, allow_redirects=False
    ) as answer:
        return Seen(answer.status, answer.headers, await answer.text())


async def rows(instance: Instance) -> tuple[list[MediaAttachment], list[Status]]:
    async with instance.easel.database.read() as session:
        media = (await session.exec(select(MediaAttachment))).all()
        return list(media), list((await session.exec(select(Status))).all())


async def test_shared_pictures_stand_in_a_form_and_nothing_is_posted_before_it_is_sent(
    instance: Instance,
) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        words = "My cat & <b>me</b>"
        shared = await share(visitor, hanging.png(), hanging.png(colour="red"), text=words)
        assert shared.status == 303 and urlsplit(shared.location).path == "/compose"
        media, posts = await rows(instance)
        assert [one.account_id for one in media] == [alice.id] * 2 and posts == []
        for _ in range(2):  # loading it again brings nothing twice
            seen = await visitor.get(shared.location)
        assert filled(form_of(seen, "/compose"))["words"] == words
        assert len(form_of(seen, "/compose").all("img")) == 2
        sent = await send(visitor, seen, "/compose", audience="public", **{"alt-1": "A cat."})
        assert sent.status == 303
        media, [post] = await rows(instance)
        assert post.source == words and {one.status_id for one in media} == {post.id}
    async with at(instance) as visitor:
        await visitor.sign_in("bob")
        seen = await visitor.get(shared.location)  # whose address is of no use to anybody else
        assert not form_of(seen, "/compose").all("img")
        assert (await send(visitor, seen, "/compose", words="", audience="public")).status == 422
        text = await share(visitor, text="a quiet <harbour>")
        assert text.status == 303
        studio = await visitor.get(text.location)
        assert studio.page.one("textarea", name="prompt").text == "a quiet <harbour>"
    assert [one for one in (await rows(instance))[0] if one.account_id == bob.id] == []


async def test_what_cannot_be_shared_is_refused_and_leaves_nothing(instance: Instance) -> None:
    await join(instance)
    async with at(instance) as visitor:
        refused = await share(visitor, hanging.png())
        assert (refused.status, refused.location) == (303, "/sign-in?next=/compose")
        await visitor.sign_in("alice")
        for site in ("cross-site", "same-site"):
            assert (await share(visitor, hanging.png(), **{"Sec-Fetch-Site": site})).status == 403
        assert (await share(visitor, *[hanging.png()] * 5)).status == 400
        assert (await visitor.post("/share", {"text": "x"})).status == 415
        for hostile in STRINGS:
            seen = await share(visitor, b"no picture", text=hostile)
            assert seen.status == 422 and seen.page.one("p", role="alert").text
            assert not seen.page.one("main").all("script")
            again = await share(visitor, text=hostile)
            assert (await visitor.get(again.location)).status == 200
        assert (await visitor.get("/compose?had-1=1&had-1=2")).status == 400
        for had in ("1", "x", "9" * 5000):
            assert (await visitor.get(f"/compose?had-1={had}&words=x")).status == 200
    assert await rows(instance) == ([], [])


async def test_a_page_elsewhere_shares_nothing_as_who_is_signed_in(
    instance: Instance, chromium: Any
) -> None:
    await join(instance)
    picture = {"name": "a.png", "mimeType": "image/png", "buffer": hanging.png()}
    async with window(chromium, instance, viewport={"width": 390, "height": 844}) as page:
        # What is elsewhere has no cookie sent along: it only comes to a form without a picture.
        for start, end in (("about:blank", ""), (f"{instance.url}/about", r"\?words=&had-1=\d+")):
            await page.goto(start)
            await page.evaluate(FORM, f"{instance.url}/share")
            await page.set_input_files("[name=picture]", files=[picture])
            await page.evaluate("document.querySelector('[name=picture]').form.submit()")
            await page.wait_for_url(re.compile(f"{re.escape(instance.url)}/compose{end}$"))
            assert len((await rows(instance))[0]) == bool(end)
        assert await page.is_visible("img[alt='Picture 1']")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        # What was begun before is where it was.
        await page.fill("[name=words]", "A shared one")
        await page.goto(f"{instance.url}/compose")
        assert await page.input_value("[name=words]") == ""
        await page.go_back()
        assert await page.input_value("[name=words]") == "A shared one"
