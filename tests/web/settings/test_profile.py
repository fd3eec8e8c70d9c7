"""What somebody says of themselves, arranged on a page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fedi.database.tables import Account
from fedi.social import accounts
from tests.api.oauth.person import Person, Seen, at, join
from tests.rig import Instance
from tests.web import hanging, reading
from tests.web.filling import filled, form_of, send
from tests.web.test_hostile import STRINGS

HERE = "/settings/profile"


@asynccontextmanager
async def signed_in(instance: Instance, name: str = "alice") -> AsyncIterator[Person]:
    await join(instance, name)
    async with at(instance) as visitor:
        await visitor.sign_in(name)
        yield visitor


async def row(instance: Instance, name: str = "alice") -> Account:
    async with instance.easel.database.read() as session:
        found = await accounts.by_handle(session, name)
    assert found is not None
    return found


def files(instance: Instance) -> set[Path]:
    return {path for path in instance.easel.settings.media.folder.rglob("*") if path.is_file()}


async def change(visitor: Person, pictures: dict[str, bytes] | None = None, **typed: str) -> Seen:
    return await send(visitor, await visitor.get(HERE), HERE, pictures, **typed)


async def test_the_index_leads_to_pages_that_are_there(instance: Instance) -> None:
    async with signed_in(instance) as visitor:
        page = (await visitor.get("/settings")).page
        doors = page.one("main").all("a")
        assert {HERE, "/settings/privacy", "/settings/security"} <= {one["href"] for one in doors}
        for door in doors:
            seen = await visitor.get(door["href"])
            assert seen.status == 200, door["href"]
            ways = seen.page.one("header", _class="masthead").all("a", href="/settings")
            assert [one.attributes.get("aria-current") for one in ways] in (["page"], [None])
    async with at(instance) as nobody:
        for path in ("/settings", HERE, "/settings/privacy"):
            assert (await nobody.get(path)).location == f"/sign-in?next={path}"
            assert (await nobody.post(path, {})).status in {303, 405}


async def test_a_profile_is_changed_and_shown_as_it_was_typed(instance: Instance) -> None:
    async with signed_in(instance) as visitor:
        typed = {
            "name": "Alice Marlowe", "words": "I draw fog.\n\nAnd #ink.", "locked": "1", "bot": "1",
            "discoverable": "1", "indexable": "1", "label-0": "Site", "value-0": "https://a.example",
            "label-2": "Pronouns", "value-2": "she/her",
            "sites": "https://Blog.example/ \nother.example\n",
        }  # fmt: skip
        seen = await change(visitor, **typed)
        assert (seen.status, seen.location) == (303, f"{HERE}?kept=1")
        alice = await row(instance)
        assert (alice.display_name, alice.actor_type) == ("Alice Marlowe", "Service")
        assert alice.locked and alice.discoverable and alice.indexable
        assert [one["name"] for one in alice.fields] == ["Site", "Pronouns"]
        assert 'rel="me ' in alice.fields[0]["value"]
        seen = await visitor.get(seen.location)
        assert seen.page.one("p", _class="kept")["role"] == "status"
        kept = filled(form_of(seen, HERE))
        assert kept["words"] == typed["words"] and kept["value-1"] == "she/her"
        assert kept["locked"] == kept["bot"] == "1"
        assert kept["sites"] == "blog.example\nother.example"
        public = (await visitor.get("/@alice")).page
        assert public.one("h1").text == "Alice Marlowe"
        # What is not ticked any more is off.
        fields = filled(form_of(seen, HERE))
        for name in ("locked", "bot", "discoverable", "indexable"):
            del fields[name]
        assert (await visitor.post(HERE, fields)).status == 303
        alice = await row(instance)
        assert alice.actor_type == "Person"
        assert not (alice.locked or alice.discoverable or alice.indexable)


async def test_links_that_were_verified_say_so(instance: Instance) -> None:
    async with signed_in(instance) as visitor:
        await change(visitor, **{"label-0": "Site", "value-0": "https://a.example"})
        page = (await visitor.get(HERE)).page
        assert "Verified" not in page.one("main").text
        async with instance.easel.database.write() as tx:
            alice = await tx.get_one(Account, (await row(instance)).id)
            alice.fields = [{**alice.fields[0], "verified_at": "2026-01-01T00:00:00.000Z"}]
            tx.add(alice)
        seen = await visitor.get(HERE)
        [line, *others] = seen.page.all("div", _class="line")
        assert "Verified" in line.text and not any("Verified" in one.text for one in others)
        await send(visitor, seen, HERE, name="Alice")
        assert (await row(instance)).fields[0]["verified_at"].startswith("2026")


async def test_pictures_are_brought_described_and_taken_away(instance: Instance) -> None:
    async with signed_in(instance) as visitor:
        pictures = {"avatar": hanging.png(80, 60), "header": hanging.png(300, 100)}
        seen = await change(
            visitor, pictures, avatar_description="A cat", header_description="The sea"
        )
        assert seen.status == 303
        alice = await row(instance)
        assert (alice.avatar_description, alice.header_description) == ("A cat", "The sea")
        page = (await visitor.get(HERE)).page.one("main")
        assert page.one("img", _class="strip")["alt"] == "The sea"
        for picture in page.all("img"):
            url = instance.url + picture["src"]
            assert (await reading.get(visitor.session, url)).status == 200
        # Saying something else leaves them as they are; another takes the place of one.
        await change(visitor, name="Alice")
        assert (await row(instance)).avatar == alice.avatar
        await change(visitor, {"avatar": hanging.png(40, 40, "#aa3322")}, avatar_gone="")
        now = await row(instance)
        assert now.avatar != alice.avatar and now.header == alice.header
        await change(visitor, avatar_gone="1", header_gone="1")
        now = await row(instance)
        assert not now.avatar and not now.header
        assert not now.avatar_description and not now.header_description
        await instance.run_jobs()
        assert (await visitor.get(f"/media/{alice.avatar}")).status == 404


async def test_what_cannot_be_kept_is_said_and_nothing_typed_is_lost(instance: Instance) -> None:
    async with signed_in(instance) as visitor:
        wrong: list[tuple[dict[str, str], str]] = [
            ({"name": "x" * 500}, "at most"),
            ({"words": "x" * 5001}, "at most 5000"),
            ({"label-0": "", "value-0": "no name"}, "needs a name"),
            ({"avatar_description": "x" * 1501}, "at most 1500"),
            ({"sites": "<b>"}, "domain"),
            ({"sites": "\n".join(f"{n}.example" for n in range(11))}, "At most 10"),
        ]
        for typed, words in wrong:
            seen = await change(visitor, **{"words": "kept", "locked": "1", **typed})
            assert seen.status == 422, typed
            assert words in seen.page.one("p", role="alert").text
            standing = filled(form_of(seen, HERE))
            assert {"words": "kept", "locked": "1", **typed}.items() <= standing.items()
        seen = await change(visitor, {"avatar": b"no picture at all"}, name="kept")
        assert seen.status == 422 and filled(form_of(seen, HERE))["name"] == "kept"
        # What was stored before the words were refused is gone.
        before = files(instance)
        seen = await change(visitor, {"avatar": hanging.png()}, words="x" * 5001)
        assert seen.status == 422 and files(instance) == before
        alice = await row(instance)
        assert not alice.note and not alice.locked and not alice.avatar
        assert (await visitor.post(HERE, {"name": "Mallory"})).status == 403
        assert (await row(instance)).display_name == "alice"


async def test_what_people_type_about_themselves_stays_words(instance: Instance) -> None:
    async with signed_in(instance) as visitor:
        for hostile in STRINGS:
            name = hostile[:30]
            typed = {"name": name, "words": hostile, "label-0": hostile, "value-0": hostile,
                     "avatar_description": hostile}  # fmt: skip
            seen = await change(visitor, **typed)
            assert seen.status == 303, hostile
            seen = await visitor.get(HERE)
            standing = filled(form_of(seen, HERE))
            assert standing["words"] == hostile.strip()
            for element in seen.page.one("main").walk():
                assert element.name not in {"script", "iframe", "svg", "math", "style"} or (
                    element.name == "svg" and element["class"] in {"sign", "signs"}
                )
                assert not any(one.startswith("on") for one in element.attributes)
