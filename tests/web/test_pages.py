"""The pages: what stands on them, who may see it, and what they say of themselves."""

from __future__ import annotations

import gzip

import aiohttp
import pytest

from fedi.database.tables import Account, Status
from fedi.social import accounts, favourites, quotes, reblogs, rules
from fedi.social.polls import ReceivedPoll
from fedi.web.assets import FOLDER
from generation import catalogue
from tests.rig import Instance
from tests.web import hanging
from tests.web.reading import Answer, Element, get

BUDGET = 60_000  # bytes of a page with its style sheets, compressed, pictures apart
ACTIVITY = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'


async def test_an_empty_instance_shows_its_name_and_a_blank_canvas(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    answer = await get(browser, instance.url)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.page.one("h1").text == "Test Easel"
    assert "The canvas is still blank" in answer.page.text
    assert answer.page.meta("og:title") == "Test Easel"


async def test_a_link_to_what_is_new_here_or_to_join_says_so(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    for path, title in (("/local", "What is new on Test Easel"), ("/sign-up", "Join Test Easel")):
        answer = await get(browser, f"{instance.url}{path}")
        assert answer.page.meta("og:title") == title
        assert answer.page.one("link", rel="canonical")["href"] == f"{instance.url}{path}"


async def test_the_front_page_shows_the_latest_public_pictures_made_here(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance, display_name="Alice Marlowe")
    first = await hanging.hang(instance, alice, text="first")
    second = await hanging.hang(instance, alice, text="second")
    await hanging.hang(instance, alice, text="quiet", visibility="unlisted")
    await hanging.hang(instance, alice, text="for followers", visibility="private")
    await hanging.publish(instance, alice, text="only words")
    gone = await hanging.hang(instance, alice, text="gone")
    await hanging.delete(instance, gone)

    page = (await get(browser, instance.url)).page
    tiles = page.all("a", _class="tile")
    assert [tile["href"] for tile in tiles] == [f"/@alice/{second.id}", f"/@alice/{first.id}"]
    picture = tiles[0].one("img", _class="picture")
    assert picture["alt"] == "A lighthouse in fog."
    assert (picture["width"], picture["height"]) == ("640", "480")
    assert picture["src"].startswith("/media/") and picture["src"].endswith(".webp")
    assert tiles[0].one("img", _class="haze")["src"].startswith("data:image/bmp;base64,")
    assert "Made with AI" in tiles[0].text and "Alice Marlowe" in tiles[0].text
    assert page.one("ul", _class="makers").one("a")["href"] == "/@alice"


async def test_a_profile_says_who_somebody_is(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(
        instance,
        display_name="Alice Marlowe",
        note="<p>Weather &amp; tides</p>",
        fields=[{"name": "Lives", "value": "by the sea"}],
        followers_count=1432,
    )
    status = await hanging.hang(instance, alice, text="hello")
    answer = await get(browser, f"{instance.url}/@alice")
    page = answer.page
    assert page.one("h1").text == "Alice Marlowe"
    assert page.one(_class="address").text == f"@alice@{instance.domain}"
    assert page.one("header", _class="person").one("span", _class="face").text == "AM"
    assert "Weather & tides" in page.text and "by the sea" in page.text
    counts = [
        (line.one("dd").text, line.one("dt").text)
        for line in page.one("dl", _class="counts").all("div")
    ]
    assert counts == [("1", "post"), ("1,432", "followers"), ("0", "following")]
    assert page.one("a", _class="tile")["href"] == f"/@alice/{status.id}"
    link = page.one("link", type="application/activity+json")
    assert (link["rel"], link["href"]) == ("alternate", alice.uri)
    assert page.one("link", rel="canonical")["href"] == f"{instance.url}/@alice"
    assert page.meta("og:type") == "profile"
    assert page.meta("profile:username") == f"alice@{instance.domain}"
    assert page.meta("description") == "Weather & tides"

    assert (await get(browser, f"{instance.url}/@ALICE")).page.one("h1").text == "Alice Marlowe"
    moved = await get(browser, f"{instance.url}/@alice@{instance.domain}")
    assert (moved.status, moved.headers["Location"]) == (301, "/@alice")


async def test_the_posts_of_an_account_with_its_boosts(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice, bob = await hanging.join(instance), await hanging.join(instance, "bob")
    await hanging.publish(instance, alice, text="only words")
    await hanging.publish(instance, alice, text="for followers", visibility="private")
    shared = await hanging.hang(instance, bob, text="a picture of bob's")
    async with instance.easel.database.write() as tx:
        author, original = await tx.get(Account, alice.id), await tx.get(Status, shared.id)
        assert author is not None and original is not None
        await reblogs.add(tx, author, original)
    page = (await get(browser, f"{instance.url}/@alice/posts")).page
    posts = page.all("article", _class="post")
    assert [post.one("a", _class="when")["href"] for post in posts][:1] == [f"/@bob/{shared.id}"]
    assert "alice boosted" in posts[0].text and "only words" in posts[1].text
    assert len(posts) == 2
    assert not (await get(browser, f"{instance.url}/@alice")).page.all("a", _class="tile")


@pytest.mark.parametrize(("path", "length"), [("/", 24), ("/@alice", 24), ("/@alice/posts", 20)])
async def test_older_pages_follow_one_another_without_a_gap(
    instance: Instance, browser: aiohttp.ClientSession, path: str, length: int
) -> None:
    alice = await hanging.join(instance)
    posted = [await hanging.hang(instance, alice, text=f"n{n}") for n in range(length + 2)]
    expected = [f"/@alice/{status.id}" for status in reversed(posted)]
    seen: list[str] = []
    here = path
    pages = 0
    while here:
        page = (await get(browser, instance.url + here)).page
        seen += [
            link["href"]
            for link in page.all("a")
            if link.attributes.get("class") in ("tile", "when")
        ]
        pages += 1
        older = page.all("a", rel="next")
        here = older[0]["href"] if older else ""
    assert (seen, pages) == (expected, 2)


async def test_a_post_shows_its_picture_and_its_honest_label(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance, display_name="Alice")
    picture = await hanging.paint(instance, alice, share_recipe=True, ai_system_version="2.1")
    status = await hanging.publish(instance, alice, text="Morning fog", media_ids=[picture])
    answer = await get(browser, hanging.address(instance, status))
    page = answer.page
    image = page.one("img", _class="picture")
    assert image["src"].endswith(".png") and image["alt"] == "A lighthouse in fog."
    assert (image["width"], image["height"]) == ("640", "480")
    origin = page.one("section", _class="origin")
    assert origin.text == "Made with AI Model One 2.1 · painted from words"
    assert (
        origin.one("link", itemprop="digitalSourceType")["href"]
        == "https://schema.org/TrainedAlgorithmicMediaDigitalSource"
    )
    recipe = page.all("details", _class="fold")[0]
    for word in ("a lighthouse in fog", "people", "owner/model", "4242", "640 × 480", "12", "3.5"):
        assert word in recipe.text
    assert "Morning fog" in page.text and "#AIgenerated" in page.text.replace("# ", "#")
    assert page.one("time", datetime=status.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"))

    assert page.meta("og:type") == "article"
    assert page.meta(
        "og:title",
    ).startswith("Alice: “Morning fog")  # type: ignore[union-attr]
    assert page.meta("og:image") == f"{instance.url}{image['src']}"
    assert page.meta("og:image:alt") == "A lighthouse in fog."
    assert (page.meta("og:image:width"), page.meta("og:image:height")) == ("640", "480")
    assert page.meta("twitter:card") == "summary_large_image"
    assert page.meta("article:published_time") == page.all("time")[0]["datetime"]
    assert page.meta(
        "description",
    ).startswith("Made with AI. Morning fog")  # type: ignore[union-attr]
    assert page.one("link", rel="canonical")["href"] == status.url
    assert page.one("link", type="application/activity+json")["href"] == status.uri
    assert page.meta("robots") == answer.headers["X-Robots-Tag"] == "noai, noimageai"
    async with browser.get(f"{instance.url}{image['src']}") as file:
        assert file.status == 200


async def test_a_picture_by_the_starter_says_how_to_choose_a_real_model(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance)
    pictures = [
        await hanging.paint(instance, alice, ai_system=system)
        for system in (catalogue.STARTER.name, "Model One")
    ]
    for picture, hinted in zip(pictures, (True, False), strict=True):
        status = await hanging.publish(instance, alice, text="Look", media_ids=[picture])
        page = (await get(browser, hanging.address(instance, status))).page
        origin = page.one("section", _class="origin")
        assert ("for trying things out. Whoever runs this server" in origin.text) is hinted
        assert ("chooses a real one under Models" in origin.text) is hinted


async def test_a_shared_recipe_that_cannot_be_read_is_its_prompt(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance)
    for recipe in (None, {}, {"prompt": 7, "seed": "x"}):
        picture = await hanging.paint(
            instance, alice, share_recipe=True, recipe=recipe, ai_prompt="a lighthouse"
        )
        status = await hanging.publish(instance, alice, media_ids=[picture])
        page = (await get(browser, hanging.address(instance, status))).page
        assert "a lighthouse" in page.all("details", _class="fold")[0].text


async def test_a_recipe_that_is_not_shared_stays_with_its_author(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance)
    status = await hanging.hang(instance, alice, text="Morning")
    answer = await get(browser, hanging.address(instance, status))
    assert "Made with AI" in answer.page.text
    assert b"a lighthouse in fog" not in answer.body and b"4242" not in answer.body


async def test_a_sensitive_picture_waits_and_is_no_preview(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance)
    status = await hanging.hang(instance, alice, text="the words", spoiler_text="Eye contact")
    page = (await get(browser, hanging.address(instance, status))).page
    image = page.one("details", _class="warned").one("img", _class="picture")
    assert image["loading"] == "lazy"
    assert "the words" in page.one("details", _class="spoiler").text
    assert page.meta("og:image") is None
    assert page.meta("description") == "Made with AI. Eye contact"
    front = (await get(browser, instance.url)).page
    assert "Eye contact" in front.one("a", _class="tile").text
    assert not front.all("img", _class="picture") and front.meta("og:image") is None


async def test_a_thread_is_read_in_order(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice, bob = await hanging.join(instance), await hanging.join(instance, "bob")
    sam = await hanging.stranger(instance)
    asked = await hanging.publish(instance, bob, text="question")
    main = await hanging.publish(instance, alice, text="main", in_reply_to_id=asked.id)
    one = await hanging.receive(instance, sam, content="<p>one</p>", in_reply_to_uri=main.uri)
    two = await hanging.publish(instance, bob, text="two", in_reply_to_id=main.id)
    inner = await hanging.publish(instance, alice, text="inner", in_reply_to_id=one.id)
    secret = await hanging.publish(
        instance, bob, text="secret", in_reply_to_id=main.id, visibility="direct"
    )
    async with instance.easel.database.write() as tx:
        fan = await tx.get(Account, bob.id)
        liked = await tx.get(Status, main.id)
        assert fan is not None and liked is not None
        await favourites.add(tx, fan, liked)
    page = (await get(browser, hanging.address(instance, main))).page
    above, below = page.all("section", _class="thread")
    assert [link["href"] for link in above.all("a", _class="when")] == [f"/@bob/{asked.id}"]
    assert [link["href"] for link in below.all("a", _class="when")] == [
        one.url,
        f"/@alice/{inner.id}",
        f"/@bob/{two.id}",
    ]
    assert [line.attributes.get("class") for line in below.all("li") if line.all("article")] == [
        None,
        "deeper",
        None,
    ]
    assert "secret" not in page.text and str(secret.id) not in page.text
    tally = page.one("article", _class="exhibit").one("ul", _class="tally").text
    assert "1 favourite" in tally


async def test_a_poll_and_a_quote_from_elsewhere_stand_in_the_thread(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance)
    sam = await hanging.stranger(instance)
    main = await hanging.hang(instance, alice, text="a lighthouse")
    poll = ReceivedPoll(options=(("<b>Fog</b>", 3), ("Storm", 1)), voters=4, closed=True)
    await hanging.receive(
        instance, sam, content="", object_type="Question", poll=poll, in_reply_to_uri=main.uri
    )
    quoting = await hanging.receive(
        instance, sam, content="<p>like this?</p>", quoted_uri=main.uri, in_reply_to_uri=main.uri
    )
    _, below = await _thread(instance, browser, main)
    options = [line.text.split() for line in below.one("div", _class="poll").all("li")]
    assert options == [["<b>Fog</b>", "75", "%"], ["Storm", "25", "%"]]
    assert "4 people voted · closed" in below.text
    assert not below.all("blockquote", _class="quoted")  # nobody agreed yet

    async with instance.easel.database.write() as tx:
        await quotes.settle(tx, quoting, main, good=True)
    _, below = await _thread(instance, browser, main)
    quoted = below.one("blockquote", _class="quoted")
    assert "a lighthouse" in quoted.text and "Made with AI" in quoted.text
    assert quoted.one("a", _class="when")["href"] == f"/@alice/{main.id}"
    assert quoted.one("img", _class="picture")["alt"] == "A lighthouse in fog."


async def _thread(
    instance: Instance, browser: aiohttp.ClientSession, status: Status
) -> tuple[Element, Element]:
    """The page of a post, and what is below the post there."""
    page = (await get(browser, hanging.address(instance, status))).page
    return page, page.one("section", _class="thread")


async def test_what_was_deleted_is_gone_and_what_is_hidden_never_was(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance)
    gone = await hanging.hang(instance, alice, text="gone")
    secret_gone = await hanging.hang(instance, alice, text="x", visibility="private")
    private = await hanging.hang(instance, alice, text="x", visibility="private")
    direct = await hanging.publish(instance, alice, text="x", visibility="direct")
    await hanging.join(instance, "bob")
    for status in (gone, secret_gone):
        await hanging.delete(instance, status)
    deleted = await get(browser, hanging.address(instance, gone))
    assert deleted.status == 410
    assert "taken down" in deleted.page.one("h1").text
    assert deleted.headers["Cache-Control"] == "no-store"

    nothing = await get(browser, f"{instance.url}/@alice/1")
    assert nothing.status == 404
    lost = await get(browser, f"{instance.url}/no/such/page")
    assert lost.status == 404 and "There is no page at this address." in lost.page.text
    hidden = [
        *(hanging.address(instance, status) for status in (secret_gone, private, direct)),
        f"{instance.url}/@bob/{private.id}",
        f"{instance.url}/@nobody/{private.id}",
        f"{instance.url}/@alice/{2**63}",
        f"{instance.url}/@alice/{10**40}",
    ]
    for url in hidden:
        for headers in ({}, {"Accept": ACTIVITY}):
            answer = await get(browser, url, **headers)
            assert answer.status == 404, url
            if not headers:
                assert answer.body == nothing.body


async def test_a_deleted_account_is_gone_and_a_suspended_one_never_was(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance)
    status = await hanging.hang(instance, alice, text="hello")
    bob = await hanging.join(instance, "bob")
    theirs = await hanging.hang(instance, bob, text="hello")
    async with instance.easel.database.write() as tx:
        leaving, suspended = await tx.get(Account, alice.id), await tx.get(Account, bob.id)
        assert leaving is not None and suspended is not None
        await accounts.delete_account(tx, leaving)
        suspended.suspended_at = tx.now
    assert (await get(browser, f"{instance.url}/@alice")).status == 410
    assert (await get(browser, hanging.address(instance, status))).status == 410
    assert (await get(browser, f"{instance.url}/@bob")).status == 404
    assert (await get(browser, hanging.address(instance, theirs))).status == 404
    assert not (await get(browser, instance.url)).page.all("a", _class="tile")


async def test_a_boost_has_no_page_of_its_own(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice, bob = await hanging.join(instance), await hanging.join(instance, "bob")
    shared = await hanging.hang(instance, bob, text="hello")
    async with instance.easel.database.write() as tx:
        author, original = await tx.get(Account, alice.id), await tx.get(Status, shared.id)
        assert author is not None and original is not None
        boost = await reblogs.add(tx, author, original)
    assert (await get(browser, f"{instance.url}/@alice/{boost.id}")).status == 404


async def test_about_names_the_rules_the_software_and_a_contact(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    await hanging.join(instance)
    page = (await get(browser, f"{instance.url}/about")).page
    assert "How pictures are labelled" in page.text and "#AIgenerated" in page.text
    assert page.one("a", href="/.well-known/nodeinfo")
    assert not page.all(id="contact") and not page.all(id="rules")  # none is set
    async with instance.easel.database.write() as tx:
        for words, more in (("Be kind.", "Nobody likes a bully."), ("<b>Say</b> what is AI.", "")):
            await rules.add(tx, words, more)
        await rules.add(tx, "A rule that was taken back.")
        await rules.remove(tx, 3)
    stated = (await get(browser, f"{instance.url}/about")).page.one("section", id="rules")
    said = [one.text for one in stated.one("ol").all("li")]
    assert said == ["Be kind. Nobody likes a bully.", "<b>Say</b> what is AI."]


async def test_a_hashtag_leads_to_its_posts(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance)
    status = await hanging.hang(instance, alice, text="Fog #Weather")
    await hanging.publish(instance, alice, text="#weather too", visibility="unlisted")
    page = (await get(browser, hanging.address(instance, status))).page
    links = [link["href"] for link in page.all("a", _class="hashtag")]
    assert f"{instance.url}/tags/weather" in links
    for link in links:
        found = (await get(browser, link)).page
        assert [entry["href"] for entry in found.all("a", _class="when")] == [
            f"/@alice/{status.id}"
        ]
    assert (await get(browser, f"{instance.url}/tags/%3Cb%3E")).status == 404


SERVERS = [
    "application/activity+json",
    ACTIVITY,
    "application/activity+json, application/ld+json",
    f"{ACTIVITY}, application/activity+json, text/html;q=0.1",
]


async def test_other_servers_are_sent_to_the_object(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance)
    status = await hanging.hang(instance, alice, text="hello")
    for url, uri in (
        (f"{instance.url}/@alice", alice.uri),
        (hanging.address(instance, status), status.uri),
    ):
        for accept in SERVERS:
            sent = await get(browser, url, Accept=accept)
            assert (sent.status, sent.headers["Location"]) == (302, uri)
            assert sent.headers["Vary"] == "Accept"
        shown = await get(browser, url)
        assert shown.status == 200 and shown.headers["Vary"] == "Accept, Cookie"


async def test_a_page_that_did_not_change_is_not_sent_again(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance)
    first = await get(browser, f"{instance.url}/@alice")
    again = await get(browser, f"{instance.url}/@alice", If_None_Match=first.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    await hanging.hang(instance, alice, text="new")
    changed = await get(browser, f"{instance.url}/@alice", If_None_Match=first.headers["ETag"])
    assert changed.status == 200


async def test_pages_are_light(instance: Instance, browser: aiohttp.ClientSession) -> None:
    alice = await hanging.join(instance, display_name="Alice Marlowe")
    for n in range(24):
        words = f"Picture number {n} of a long winter, painted slowly. #weather"
        last = await hanging.hang(instance, alice, text=words)
    sheets = sum(len(gzip.compress(sheet.read_bytes())) for sheet in FOLDER.rglob("*.css"))
    for path in ("/", "/@alice", "/@alice/posts", f"/@alice/{last.id}"):
        answer: Answer = await get(browser, instance.url + path)
        assert len(answer.page.all("img", _class="picture")) in (1, 20, 24)
        assert len(gzip.compress(answer.body)) + sheets <= BUDGET
