"""Hostile strings in every field that somebody fills, here or elsewhere, on every page, in a real
browser with our scripts: nothing of them runs, styles, loads or leads anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlmodel import select

from fedi.clock import FakeClock
from fedi.database.tables import (
    AccessToken,
    Account,
    AccountNote,
    Application,
    LinkPreview,
    MediaAttachment,
    Painting,
    Status,
)
from fedi.social import reactions, statuses
from fedi.social.polls import DraftPoll
from fedi.social.statuses import Draft, ReceivedMedia
from fedi.social.trends.subjects import number_of
from generation import credentials, provenance
from generation.credentials import Claim
from generation.recipe import Recipe
from tests.api.oauth.person import at, join
from tests.federation.peer import Internet
from tests.generation import signing
from tests.rig import Instance, NewDatabase, serve_instance
from tests.studio.asking import ask
from tests.studio.test_reviews import STRICT
from tests.web import furnishing, hanging, poison
from tests.web.admin import furnishing as staff_furnishing
from tests.web.desk import Desk, desk
from tests.web.test_browser import chromium

__all__ = ["chromium"]


# What acts tells of it, and what our policy stopped is as bad: it should not have been there.
CANARY = """
    window.ran = [];
    for (const name of ["alert", "confirm", "prompt", "print"]) window[name] = () => ran.push(name);
    addEventListener("securitypolicyviolation", (event) =>
        ran.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""
# Opens what opens, and names what acts, styles or leads where no page of ours does.
ACTING = """() => {
    for (const fold of document.querySelectorAll("details")) fold.open = true;
    for (const menu of document.querySelectorAll("[popover]")) menu.showPopover();
    const wrong = [...ran];
    const never = "iframe, frame, object, embed, applet, base, math, style, portal, mglyph,"
        + "script:not([src]), svg:not(.sign, .signs, .bars), .prose [class~=masthead],"
        + ".prose [class~=tile], .prose [id], .prose :is(form, input, img:not(.emoji), video)";
    for (const one of document.querySelectorAll(never)) wrong.push(one.outerHTML.slice(0, 200));
    const loads = ["src", "srcset", "poster", "data", "action", "formaction", "ping", "background"];
    for (const one of document.querySelectorAll("*"))
        for (const {name, value} of one.attributes) {
            if (name.startsWith("on") || name === "style") wrong.push(`${name}=${value}`);
            if (!loads.includes(name) && !name.endsWith("href")) continue;
            const to = URL.parse(value, location.href);
            const picture = name === "src" && /^data:image\\/(bmp|jpeg|png);base64,/.test(value);
            const leads = one.matches("a, link:is([rel=alternate], [rel=canonical], [itemprop])");
            const link = leads && /^(https?|mailto|otpauth):$/.test(to?.protocol);
            if (to?.host !== location.host && !picture && !link) wrong.push(`${name}=${value}`);
        }
    const again = document.querySelector("meta[http-equiv=refresh]")?.content ?? "0";
    if (!/^[0-9]+$/.test(again)) wrong.push(again);
    return wrong;
}"""


async def look(at_desk: Desk, paths: Iterable[str], filled: set[str]) -> set[str]:
    """Open pages and what opens on them.

    Returns those of the filled columns that were seen.
    """
    page, seen, wrong = at_desk.page, set(), []
    await page.add_init_script(CANARY)
    for path in paths:
        answer = await page.goto(at_desk.instance.url + path)
        found = await page.evaluate(ACTING)
        written = await page.content()
        found += await page.evaluate("ran")
        if answer.status >= 500 or found:
            wrong.append((path, answer.status, found))
        seen |= {name for name in filled - seen if re.search(rf"\b{name}(?![\w.])", written)}
    assert wrong == []
    return seen


# What each page is asked, and where it says so again.
ASKED = {
    "/search": ("q",),
    "/compose": ("words", "had-1", "reply_to", "edit"),
    "/messages/new": ("to",),
    "/report": ("post", "person"),
    "/home": ("view", "ai", "max_id"),
    "/notifications": ("only", "max_id"),
    "/for-you": ("cursor",),
    "/studio": ("prompt", "again", "remix"),
    "/intents/create": ("content", "summary", "inReplyTo"),
    "/intents/like": ("object",),
    "/intents/follow": ("object",),
    "/authorize_interaction": ("uri",),
    "/settings/filters": ("kept",),
    "/oauth/authorize": ("client_id", "redirect_uri", "state", "scope", "response_type"),
}
ASKED_BY_NOBODY = {
    "/sign-in": ("next",),
    "/sign-up": ("invite", "code", "next"),
    "/interact": ("uri", "want"),
    "/reset-password/new": ("token", "code"),
    "/confirm-email": ("token", "code"),
    "/change-email": ("token", "code"),
    "/mail/digests/off": ("token", "account"),
    "/explore": ("kind", "max_id"),
}
ASKED_OF_STAFF = {
    "/admin/accounts": ("q", "where", "state", "role"),
    "/admin/jobs": ("kind",),
    "/admin/log": ("action", "by", "about", "max_id"),
    "/admin/settings": ("kept",),
    "/admin/servers": ("host",),
    "/admin/trends": ("kind",),
    "/admin/domains": ("domain", "kept"),
}


def asked(pages: dict[str, tuple[str, ...]]) -> list[str]:
    """Pages that are asked for something hostile: all fields for words, then for an address."""
    hostile = [poison.words("asked", 0)[:4000], *poison.ADDRESSES[:4]]
    return [
        f"{page}?{urlencode(dict.fromkeys(fields, words))}"
        for page, fields in pages.items()
        for words in hostile
    ]


@pytest.mark.long
@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)  # a browser sees no database
async def test_nothing_runs_of_what_anybody_writes(
    new_database: NewDatabase, tmp_path: Path, clock: FakeClock, internet: Internet, chromium: Any
) -> None:
    said = "\"'><img src=x onerror=alert(1)><script>alert(1)</script>"
    told = {"name": said, "description": said, "contact": said, "link_previews": True}
    async with serve_instance(
        tmp_path / "people", new_database(), clock=clock, instance=told
    ) as house:
        paths = await furnishing.furnish(house, internet)
        more = await furnish(house)
        async with desk(chromium, house, "alice", width=390) as at_desk:
            filled = await poison.fill(house)
            seen = await look(at_desk, [*paths.values(), *more, *asked(ASKED)], filled)
        async with desk(chromium, house, width=390) as at_desk:
            names = ("local", "tag", "own-post", "self", "missing", "explore", "tree", "poll")
            open_to_all = ["/", "/about", "/@bob", f"{paths['own-post']}/remix"]
            open_to_all += [paths[name] for name in names] + asked(ASKED_BY_NOBODY)
            seen |= await look(at_desk, open_to_all, filled)
    async with serve_instance(
        tmp_path / "staff", new_database(), clock=clock, safety=STRICT
    ) as house:
        paths = await staff_furnishing.furnish(house)
        async with desk(chromium, house, "ada", width=390) as at_desk:
            more_filled = await poison.fill(house)
            filled |= more_filled
            seen |= await look(at_desk, [*paths.values(), *asked(ASKED_OF_STAFF)], filled)
    assert poison.FILLED.keys() - filled == set()
    assert poison.shown(filled) - seen == set()


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_what_is_endless_or_deep_is_shown_and_runs_nothing(
    instance: Instance, chromium: Any
) -> None:
    await join(instance)
    sam = await hanging.stranger(instance)
    far = [
        await hanging.receive(instance, sam, content=f"<p>number {number}</p>{long}")
        for number, long in enumerate(poison.LONG)
    ]
    async with desk(chromium, instance, "alice", width=390) as at_desk:
        paths = [f"/@{sam.acct}/{one.id}" for one in far]
        assert await look(at_desk, [*paths, f"/@{sam.acct}?view=posts"], set()) == set()
        for number, path in enumerate(paths):
            assert f"number {number}" in await at_desk.open(path)
            inside = await at_desk.page.evaluate("document.documentElement.scrollWidth")
            assert inside <= 390, path


def test_every_column_of_words_is_filled_or_kept_for_a_reason() -> None:
    assert poison.unnamed() == set()


async def furnish(instance: Instance) -> list[str]:
    """What a full house has not: the pages on which it is."""
    easel = instance.easel
    async with easel.database.read() as session:
        rows = (await session.exec(select(Account))).all()
    alice, bob, sam = (
        next(one for one in rows if one.acct.partition("@")[0] == name)
        for name in ("alice", "bob", "sam0")
    )
    async with at(instance) as visitor:  # another browser of hers
        await visitor.sign_in("alice")
    words = poison.words("said", 0)
    told = ReceivedMedia(
        remote_url=f"{hanging.ELSEWHERE}/x.png",
        description=words,
        digital_source_type=hanging.TRAINED_ALGORITHMIC_MEDIA,
        ai_system="x",
        ai_system_version="x",
        ai_prompt="x",
    )
    far = await hanging.receive(
        instance, sam, content="<p>x</p>", language="en", media=(told,), generator="x"
    )
    article = await hanging.publish(
        instance,
        alice,
        text="Long",
        kind="Article",
        details={"name": "x", "summary": "x", "location": "x"},
    )
    asking = await hanging.publish(instance, alice, text="Which?", poll=furnishing.POLL)
    linking = await hanging.publish(instance, bob, text="See https://news.example/a")
    quoting = await hanging.publish(instance, alice, text="so", quoted_status_id=linking.id)
    signed = await hanging.paint(instance, alice)
    stopped, done = [await ask(easel, alice, "x", description="x") for _ in range(2)]
    drawn = await hanging.paint(instance, alice, described_by="x", painting_id=done.id)
    async with easel.database.write() as tx:
        author = await tx.get_one(Account, alice.id)
        author.header_description = author.avatar_description = "x"
        tx.add(AccountNote(account_id=alice.id, target_account_id=bob.id, comment="x"))
        await statuses.edit(
            tx,
            author,
            await tx.get_one(Status, asking.id),
            Draft(text="Which?", poll=DraftPoll(options=["Sun", "Rain"], expires_in=3600)),
        )
        await reactions.add(
            tx, sam, asking, "cat", uri=f"{sam.uri}#1", url=f"{hanging.ELSEWHERE}/cat.png"
        )
        number = number_of("https://news.example/a")
        linked = await tx.get_one(Status, linking.id)
        linked.preview_id = number
        said = dict.fromkeys(
            ("title", "description", "author_name", "author_url", "provider_name",
             "provider_url", "image_url", "image_description", "error"), "x",
        )  # fmt: skip
        tx.add(
            LinkPreview(
                id=number, url="https://news.example/a", state="ready", fetched_at=tx.now, **said
            )
        )
        app = (await tx.exec(select(Application))).first()
        assert app is not None
        app.website = "x"
        for token in (await tx.exec(select(AccessToken))).all():
            token.application_id = app.id
        failed, made = await tx.get_one(Painting, stopped.id), await tx.get_one(Painting, done.id)
        failed.state, failed.error, failed.language = "failed", "x", "en"
        made.state, made.media_id = "done", drawn
        key = (await tx.get_one(MediaAttachment, signed)).file
    assert key is not None
    _, by = signing.chain(words[:300])
    claim = Claim(model=words, model_version=words, software=words)
    stamped = provenance.stamp(
        hanging.png(),
        recipe=Recipe(prompt=words, negative_prompt=words),
        model=words,
        model_version=words,
        alt_text=words,
        creator=words,
        share_recipe=True,
        software=words,
        parent=words,
    )
    await easel.storage.put(key, credentials.sign(stamped, "image/png", claim, by))
    testified = await hanging.publish(instance, alice, text="signed", media_ids=[signed])
    return [
        f"/@{sam.acct}/{far.id}",
        *(f"/@{one.url.rpartition('@')[2]}" for one in (article, asking, linking, quoting)),
        f"/@alice/{testified.id}",
        f"/@alice/{asking.id}/edits",
        f"/compose?edit={article.id}",
        f"/studio/{stopped.id}",
        f"/studio/{done.id}",
        f"/studio?again={stopped.id}",
    ]
