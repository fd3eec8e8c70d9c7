"""Following and answering from another server: the way there, told by that server itself."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from fedi.web import interacting
from tests.api.oauth.person import at, join
from tests.federation.peer import Internet, Person
from tests.rig import Instance
from tests.web import hanging
from tests.web.filling import filled, form_of, send
from tests.web.test_hostile import STRINGS

HERE = "/interact"
SUBSCRIBE = "http://ostatus.org/schema/1.0/subscribe"


def finger(internet: Internet, sam: Person, *links: dict[str, str]) -> None:
    """What a server says of somebody."""
    said = {
        "subject": f"acct:{sam.handle}",
        "links": [
            {"rel": "self", "type": "application/activity+json", "href": sam.uri}, *links
        ],
    }  # fmt: skip
    internet.fingers[sam.handle] = lambda _: web.json_response(said)


async def test_who_is_from_elsewhere_is_shown_the_way_by_intents_or_the_template(
    instance: Instance, internet: Internet
) -> None:
    alice = await join(instance)
    post = await hanging.publish(instance, alice, text="hello")
    sam = internet.person("sam")
    intent = "https://w3id.org/fep/3b86/"
    old = {"rel": SUBSCRIBE, "template": f"{sam.origin}/authorize?uri={{uri}}"}
    follow = {
        "rel": f"{intent}Follow",
        "template": f"{sam.origin}/follow?who={{object}}&back={{on-success}}",
    }
    see = {"rel": f"{intent}Object", "template": f"{sam.origin}/see?what={{object}}"}
    quoted = {"follow": alice.uri, "see": post.uri}
    async with at(instance) as visitor:
        profile = (await visitor.get("/@alice")).page
        page = (await visitor.get(f"/@alice/{post.id}")).page
        doors = {
            "follow": [one["href"] for one in profile.all("a") if HERE in one["href"]],
            "see": [one["href"] for one in page.all("a") if HERE in one["href"]],
        }
        for links, want, path in (
            ((old,), "follow", "/authorize?uri="),
            ((old,), "see", "/authorize?uri="),
            ((old, follow), "see", "/authorize?uri="),
            ((old, follow, see), "follow", "/follow?who="),
            ((see, old), "follow", "/see?what="),
            ((old, follow, see), "see", "/see?what="),
        ):
            finger(internet, sam, *links)
            [door] = doors[want]
            seen = await send(visitor, await visitor.get(door), HERE, who=f"@{sam.handle}")
            assert seen.status == 200, seen.page.text
            way = seen.page.one("main").one("a", _class="strong")["href"]
            assert way.startswith(f"{sam.origin}{path}http%3A%2F%2F"), way
            assert way.endswith("&back=") is (path == "/follow?who=") and "{" not in way
            assert quoted[want].rpartition("/")[2] in way
        # Whose server says how does one thing there at once.
        rooms = {"Create": "inReplyTo", "Like": "object", "Announce": "object", "Follow": "object"}
        links = [
            {"rel": f"{intent}{name}", "template": f"{sam.origin}/do/{name}?of={{{room}}}&{{type}}"}
            for name, room in rooms.items()
        ]
        links[1] |= {"template": "https://evil.example/{object}"}
        finger(internet, sam, see, *links)
        seen = await send(visitor, await visitor.get(doors["see"][0]), HERE, who=sam.handle)
        others = seen.page.one("p", _class="close").all("a")
        assert [one.text for one in others] == ["Reply", "Boost"]
        assert others[0]["href"] == f"{sam.origin}/do/Create?of={quote(post.uri, safe='')}&"
        seen = await visitor.post(HERE, {"uri": alice.uri, "who": f"@{sam.handle}"})
        assert seen.status == 403


async def test_who_is_at_home_here_goes_to_it(instance: Instance) -> None:
    alice = await join(instance)
    await join(instance, "bob")
    async with at(instance) as visitor:
        door = f"{HERE}?uri={alice.uri}&want=follow"
        seen = await send(visitor, await visitor.get(door), HERE, who=f"@bob@{instance.domain}")
        assert seen.status == 303 and seen.location.startswith("/sign-in?next=/search")
        seen = await visitor.follow(await visitor.sign_in("bob", path=seen.location))
        assert seen.page.one("h1").text == "alice"
        seen = await visitor.follow(await visitor.get(door))
        assert seen.page.one("h1").text == "alice"
        for page in ("/@alice", "/@bob"):  # it has better buttons for who is signed in
            links = (await visitor.get(page)).page.all("a")
            assert not [one for one in links if one["href"].startswith(HERE)]


async def test_what_leads_nowhere_is_said_and_what_was_typed_stays(
    instance: Instance, internet: Internet
) -> None:
    alice = await join(instance)
    sam = internet.person("sam")
    door = f"{HERE}?uri={alice.uri}"
    async with at(instance) as visitor:
        for path in (HERE, f"{HERE}?uri=javascript:alert(1)", f"{HERE}?uri=x"):
            assert (await visitor.get(path)).status == 400, path
        seen = await visitor.get(door)
        wrong = [f"nobody@{sam.host}", "sam@169.254.169.254", "sam", sam.handle, *STRINGS[:5]]
        for who in wrong:
            refused = await send(visitor, seen, HERE, who=who)
            assert refused.status == 422, who
            assert refused.page.one("p", role="alert").text
            assert filled(form_of(refused, HERE))["who"] == who
            assert alice.uri in refused.page.one("main").text
        for template in ("javascript:{uri}", "data:text/html,{uri}", "/x?{uri}", f"{sam.origin}/x"):
            finger(internet, sam, {"rel": SUBSCRIBE, "template": template})
            assert (await send(visitor, seen, HERE, who=sam.handle)).status == 422, template
        for _ in range(interacting.LOOK_UPS.times):
            last = await send(visitor, seen, HERE, who="sam")
        assert last.status == 429 and int(last.headers["Retry-After"]) > 0
        assert filled(form_of(last, HERE))["who"] == "sam"


async def test_who_is_at_home_here_comes_from_elsewhere_to_what_they_wanted(
    instance: Instance, internet: Internet
) -> None:
    await join(instance)
    sam = internet.person("sam")
    note = sam.note("A note")
    internet.show(note["id"], note)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        for path in (f"/intents/object?object={quote(note['id'], safe='')}",
                     f"/authorize_interaction?uri={quote(note['id'], safe='')}"):  # fmt: skip
            seen = await visitor.follow(await visitor.get(path))
            assert "A note" in seen.page.one("main").text and seen.page.one("button", _class="like")
        for who in (sam.uri, f"acct:{sam.handle}", f"@{sam.handle}"):
            seen = await visitor.get(f"/authorize_interaction?uri={quote(who, safe='')}")
            assert seen.location.startswith("/search?q=")
            assert f"@{sam.handle}" in (await visitor.follow(seen)).page.one("main").text
        for wrong in ("", "?uri=", "?uri=a&uri=b"):
            assert (await visitor.get(f"/authorize_interaction{wrong}")).status == 400
    async with at(instance) as nobody:
        path = f"/authorize_interaction?uri={quote(note['id'], safe='')}"
        assert (await nobody.get(path)).location.startswith("/sign-in?next=/authorize_interaction")
        seen = await nobody.get(f"/intents/object?object={quote(note['id'], safe='')}")
        [way] = [a["href"] for a in seen.page.all("a") if a["href"].startswith("/sign-in?next=/se")]
        seen = await nobody.follow(await nobody.sign_in("alice", path=way))
        assert "A note" in seen.page.one("main").text
