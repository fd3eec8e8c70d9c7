"""What no address leads to, in a real browser: a picture in each of its states, forms that were
refused, what mails open, menus, and what newcomers see. It can be used by everybody, as all pages.

The screenshots lie in `.artefacts/pages/` afterwards, for people to look at.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyotp
import pytest

from fedi.clock import FakeClock
from fedi.database.tables import Account
from fedi.mail import digests
from fedi.social import favourites, follows, mail_links, second_factor
from generation.protocol import Suggest, Suggested
from tests.api.oauth.person import OOB, PASSWORD, Client, join
from tests.federation.peer import Internet
from tests.rig import Instance, NewDatabase, open_browser, serve_instance
from tests.studio.asking import reaches
from tests.studio.easel_painter import Hand, picture
from tests.studio.test_reviews import STRICT, judged
from tests.web import hanging
from tests.web.desk import Desk, desk, file
from tests.web.looking import UNCHECKED, Looker, refused
from tests.web.test_browser import chromium
from tests.web.test_interacting import finger
from tests.web.test_signed_in_browser import SIZES
from tests.web.test_studio_browser import Studio, at_work, preview
from tests.web.unvisited import MAILED, unvisited

__all__ = ["chromium"]

# What a browser does is the same on every database.
pytestmark = [
    pytest.mark.long,
    pytest.mark.parametrize("new_database", ["sqlite"], indirect=True),
]
PHONE = SIZES[:1]
EMAIL = "alice@mail.example"
SEA = "A lighthouse in morning fog, seen from the sea, with gulls over the rocks"


async def test_a_picture_in_each_of_its_states(
    new_database: NewDatabase, tmp_path: Path, clock: FakeClock, chromium: Any
) -> None:
    async with (
        serve_instance(tmp_path, new_database(), clock=clock, safety=STRICT) as instance,
        at_work(instance, chromium, slots=8) as at,
    ):
        look, hand = Looker(at.page), at.hand
        await look_at_proposals(at, look)
        await at.open("/studio")
        await at.page.fill("#prompt", SEA)
        await at.page.click("text=How it is painted")
        await at.page.select_option("[name=model]", "test/able")
        single = await at.send()
        given = await hand.given()
        await hand.step(given, 3, 8, preview("steelblue"))
        await at.shows(".stage .growing:not([hidden])")
        await look.at("picture-painting")
        async with reaches(instance.easel, single, "done"):
            await hand.finish(given, picture(768, 512), judgement=judged(0.0))
        await at.shows("#scene[data-state=done]")
        await look.at("picture-done")
        await look_at_the_mask(at, look)
        await at.open(f"/studio/{single}")
        await at.page.fill("[name=language]", "no language")
        await at.page.click("button:text-is('Post')")
        await at.shows(".label .trouble:focus")
        await look.at("picture-post-refused")
        await at.page.fill("form[data-post] [name=language]", "en")
        await at.page.click("button:text-is('Post')")
        await at.shows("#scene[data-state=posted]")
        await look.at("picture-posted")

        stopped = await at.ask(SEA)
        await hand.given()
        await at.page.click("button:text-is('Stop')")
        await at.shows("#scene[data-state=cancelled]")
        await look.at("picture-cancelled")
        await hand.hear()
        failed = await at.ask(SEA)
        async with reaches(instance.easel, failed, "failed"):
            await hand.fail(await hand.given(), "The card has too little memory for this size.")
        await at.shows("#scene[data-state=failed]")
        await look.at("picture-failed")
        await at.ask(SEA)
        await hand.finish(await hand.given(), picture(512, 768), judgement=judged(0.7))
        await at.shows("#scene[data-state=review]")
        await look.at("picture-held")
        await look_at_several(at, hand, look)

        await at.open(f"/studio?again={stopped}")
        await at.page.evaluate(UNCHECKED)
        await at.page.click("text=How it is painted")
        await at.page.fill("[name=seed]", "a fox")
        await at.page.click("text=Paint >> nth=0")
        await at.shows(".trouble")
        await look.at("studio-refused")


async def look_at_proposals(at: Studio, look: Looker) -> None:
    """A proposal for each field, as differences."""
    await at.page.fill("#prompt", SEA)
    await at.page.click("text=Help with the words")
    asked = await at.hand.hear()
    assert isinstance(asked, Suggest)
    words = SEA.replace("morning", "evening") + ", soft light, film grain"
    tags = ("lighthouse", "fog", "sea")
    await at.hand.say(
        Suggested(
            request=asked.request, prompt=words, title="Quiet water", hashtags=tags, model="Small"
        )
    )
    await at.shows(".proposal ins >> nth=0")
    await look.at("studio-proposals")


async def look_at_the_mask(at: Studio, look: Looker) -> None:
    """The mask, with something drawn; and what is said if there is none."""
    await at.page.evaluate(UNCHECKED)
    await at.page.click("summary:has-text('Paint only a part')")
    await at.page.fill(".inside [name=prompt]", "a sailboat")
    await at.page.click("text=Paint there")
    await at.shows(".anew .trouble")
    await at.shows(".mask .under")
    sides = {"left": "50", "top": "30", "width": "30", "height": "40"}
    for name, value in sides.items():
        await at.page.fill(f".inside [name=mask_{name}]", value)
    await at.page.click("[data-tool=rectangle]")
    await at.shows(".mask [role=status]:has-text('% of the picture')")
    await look.at("picture-mask")


async def look_at_several(at: Studio, hand: Hand, look: Looker) -> None:
    """Four that were asked for together: two are there, one grows, and one came to nothing."""
    await at.open("/studio")
    await at.page.fill("#prompt", SEA)
    await at.page.click("text=How it is painted")
    await at.page.check("[name=count][value='4']", force=True)
    first = await at.send()
    given = [await hand.given() for _ in range(4)]
    for one, colour in ((given[1], "seagreen"), (given[0], "peru")):
        async with reaches(at.instance.easel, int(one.painting), "done"):
            await hand.finish(one, picture(768, 512, colour), judgement=judged(0.0))
    async with reaches(at.instance.easel, int(given[3].painting), "failed"):
        await hand.fail(given[3], "The card has too little memory for this size.")
    await at.open(f"/studio/{first}")
    await hand.step(given[2], 5, 8, preview("indianred"))
    await at.shows(".strip .growing:not([hidden])")
    assert await at.page.inner_text(".strip .where") == "Failed"
    await at.page.check(".beside-it input >> nth=0", force=True)
    await look.at("picture-several")
    await at.open("/studio")
    await at.shows(".sketch.painting")
    await look.at("studio-full")


async def test_what_mails_open_and_what_is_refused_to_who_comes_in(
    new_database: NewDatabase,
    tmp_path: Path,
    clock: FakeClock,
    internet: Internet,
    chromium: Any,
) -> None:
    joining = {"mode": "approval", "minimum_age": 16}
    async with (
        serve_instance(tmp_path, new_database(), clock=clock, registrations=joining) as instance,
        desk(chromium, instance) as at,
    ):
        look = Looker(at.page)
        alice = await join(instance, email=EMAIL)
        post = await hanging.publish(instance, alice, text="Morning")
        await at.open("/sign-up")
        await refused(at, "/sign-up", username="no name", email="nowhere", password="short")
        assert await at.page.locator("[aria-invalid=true]").count() == 6
        await look.at("join-refused")
        said = {"username": "newbie", "email": "new@mail.example", "password": PASSWORD}
        said |= {"reason": "I paint fog.", "date_of_birth": "1990-01-01"}
        await at.send("/sign-up", **said, agreement=True)
        await look.at("join-sent")
        await look_at_mails(at, look, alice)

        await at.open("/sign-in")
        await at.send("/sign-in", name="alice", password="not hers at all")
        await look.at("sign-in-refused")
        async with instance.easel.database.write() as tx:
            offer = await second_factor.offer(tx, alice)
            code = pyotp.TOTP(offer.secret).at(instance.clock.now())
            await second_factor.confirm(tx, alice, code)
        await at.send("/sign-in", name="alice", password=PASSWORD)
        await look.at("code")
        await refused(at, "/sign-in/code", code="000000")
        await look.at("code-refused")

        await at.page.context.clear_cookies()
        await at.open(f"/interact?uri={quote(post.uri, safe='')}")
        await refused(at, "/interact", who="nowhere")
        await look.at("interact-refused")
        sam = internet.person("sam")
        intents = [("Object", "object"), ("Create", "inReplyTo"), ("Like", "object")]
        template = f"{sam.origin}/do?of={{{{{{}}}}}}"
        links = [
            {"rel": f"https://w3id.org/fep/3b86/{name}", "template": template.format(room)}
            for name, room in intents
        ]
        finger(internet, sam, *links)
        await at.send("/interact", who=f"@{sam.handle}")
        await look.at("interact-there")
        await at.open(f"/intents/object?object={quote(sam.uri, safe='')}")
        await look.at("elsewhere")
        await at.open("/@alice/remixes")
        await look.at("no-remixes")
        look.seen.append("/sign-in/code")  # where the code was asked for after the password
        assert not MAILED & unvisited(look.seen)


async def look_at_mails(at: Desk, look: Looker, alice: Account) -> None:
    """What the links of mails open, and what those do that hold no more."""
    tokens: dict[str, str] = {}
    async with at.instance.easel.database.write() as tx:
        tokens["reset"] = await mail_links.make(tx, alice, EMAIL, "reset")
        tokens["confirm"] = await mail_links.make(tx, alice, EMAIL, "confirm")
        tokens["change"] = await mail_links.make(tx, alice, "else@mail.example", "change")
        key = mail_links.signature(await mail_links.secret(tx), alice.id)
    await at.open("/confirm-email?token=gone")
    await look.at("confirm-over")
    await at.open(f"/confirm-email?token={tokens['confirm']}")
    await look.at("confirm")
    await at.open("/reset-password")
    await at.send("/reset-password", email=EMAIL)
    await look.at("reset-sent")
    await at.open(f"/reset-password/new?token={tokens['reset']}")
    await refused(at, "/reset-password/new", new="short")
    await look.at("reset-refused")
    await at.open("/change-email?token=gone")
    await look.at("change-over")
    await at.open(f"/change-email?token={tokens['change']}")
    await look.at("change")
    await at.open(f"{digests.OFF}?account={alice.id}&key={key}")
    await look.at("digests-off")


async def test_forms_that_were_refused_or_done(instance: Instance, chromium: Any) -> None:
    await join(instance)
    bob = await join(instance, "bob", display_name="Bob Okafor")
    post = await hanging.hang(instance, bob, text="Morning #fog")
    async with desk(chromium, instance, "alice") as at:
        look = Looker(at.page)
        await at.open("/compose")
        await refused(at, "/compose", words=" ")
        await look.at("compose-refused")
        await at.open(f"/compose?reply_to={post.id}")
        await refused(at, "/compose", words=" ")
        await look.at("reply-refused")
        await at.open("/messages/new")
        await refused(at, "/messages/new", who="@nobody", words="Hello?")
        await look.at("message-refused")
        await at.open(f"/report?post={post.id}")
        await refused(at, "/report", comment="It says so itself.")
        assert await at.page.input_value("[name=comment]") == "It says so itself."
        await look.at("report-refused")
        await at.send("/report", category="spam")
        await look.at("report-done")
        await at.open("/settings/profile")
        await refused(at, "/settings/profile", avatar=file("a.png", b"no picture"))
        await look.at("profile-refused")
        await at.send("/settings/profile", name="Alice Marlowe")
        await look.at("profile-kept")
        await at.open("/settings/filters/new")
        await refused(at, "/settings/filters/new", title="")
        await look.at("filter-refused")
        await at.open("/settings/carrying")
        await refused(at, "/settings/carrying")
        await look.at("carrying-refused")
        await at.open("/settings/security")
        await refused(at, "/settings/security/password", old="not hers", new=PASSWORD)
        await look.at("password-refused")
        await at.open("/settings/leaving")
        await refused(at, "/settings/leaving/move", whom="@nobody@nowhere.invalid", password="x")
        await look.at("move-refused")
        await look_at_codes(at, look)
        await look_at_intents(at, look, bob, post.uri)


async def look_at_codes(at: Desk, look: Looker) -> None:
    """One-time codes that are switched on, the code of an app, and somebody asked once more."""
    await at.open("/settings/security/codes")
    secret = (await at.page.inner_text("main .secret")).replace(" ", "")
    await refused(at, "/settings/security/codes", code="1")
    await look.at("codes-refused")
    code = pyotp.TOTP(secret).at(at.instance.clock.now())
    await at.send("/settings/security/codes", code=code)
    await look.at("codes-on")
    async with open_browser() as browser:
        client = await Client.register(at.instance, browser)
    await at.open(client.authorize(redirect_uri=OOB))
    await at.page.click("main button[value=allow]")
    await at.page.wait_for_selector("#code")
    await look.at("authorized")
    await at.open("/sign-in?next=/settings/security&again=1")
    await look.at("sign-in-again")


async def look_at_intents(at: Desk, look: Looker, bob: Account, post: str) -> None:
    """Links from elsewhere: what they ask, and what is said when it was done."""
    await at.open(f"/intents/follow?object={quote(bob.uri, safe='')}")
    await look.at("intent-follow")
    await at.send("/intents/follow")
    await look.at("intent-followed")
    await at.open(f"/intents/announce?object={quote(post, safe='')}")
    await look.at("intent-boost")
    await at.send("/intents/announce")
    await look.at("intent-boosted")
    await at.open("/intents/create?content=Fog")
    await refused(at, "/intents/create", words="")
    await look.at("intent-refused")
    await at.send("/intents/create", words="Fog")
    await look.at("intent-posted")


async def test_menus_what_is_new_and_what_did_not_work(instance: Instance, chromium: Any) -> None:
    alice, bob = await join(instance), await join(instance, "bob", display_name="Bob Okafor")
    async with instance.easel.database.write() as tx:
        await follows.request(tx, alice, bob)
    post = await hanging.hang(instance, bob, text="Morning #fog")
    gone = await hanging.hang(instance, bob, text="Evening #fog")
    async with instance.easel.database.write() as tx:
        await favourites.add(tx, alice, post)
    async with desk(chromium, instance, "alice", width=390) as at:
        look = Looker(at.page)
        async with at.page.expect_request("**/events"):
            await at.open("/home?view=posts")
        await hanging.delete(instance, gone)
        await at.page.click(f"#p-{gone.id} button.like")
        await at.page.wait_for_selector(f"#p-{gone.id} [role=alert]")
        await hanging.publish(instance, bob, text="Noon")
        await at.page.wait_for_selector(".fresh a")
        await look.at("feed-told")
        await at.page.set_viewport_size({"width": 390, "height": 844})
        await at.page.click(".you button")
        await at.page.wait_for_selector("#more:popover-open")
        await look.at("menu-you", sizes=PHONE)
        await at.open("/@bob")
        await at.page.click("button[popovertarget=about-them]")
        await at.page.wait_for_selector("#about-them:popover-open")
        await look.at("menu-them")
        await at.open("/@bob/replies")
        await look.at("no-replies")


NEWCOMERS = {
    "home": "/home",
    "notifications": "/notifications",
    "messages": "/messages",
    "lists": "/lists",
    "bookmarks": "/bookmarks",
    "favourites": "/favourites",
    "scheduled": "/scheduled",
    "search": "/search?q=nothing+of+the+kind",
    "explore": "/explore",
    "studio": "/studio",
    "self": "/@alice",
    "filters": "/settings/filters",
    "following": "/settings/following",
    "wall": "/local?view=wall",
}


async def test_what_newcomers_see(instance: Instance, chromium: Any) -> None:
    await join(instance)
    async with desk(chromium, instance, "alice") as at:
        look = Looker(at.page)
        for title, path in NEWCOMERS.items():
            await at.open(path)
            await look.at(f"empty-{title}")
