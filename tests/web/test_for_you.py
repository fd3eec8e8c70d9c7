"""The page of «For you»: there only for who wants it, each picture with its reason and buttons."""

from __future__ import annotations

from fedi.database.tables import Account, ForYouMark
from fedi.social import favourites
from tests.api.oauth.person import at, join
from tests.rig import Instance
from tests.web import hanging
from tests.web.filling import filled, form_of, send

HERE, TUNING = "/for-you", "/settings/for-you"


async def test_a_reader_switches_it_on_reads_on_and_wants_more_and_less(
    instance: Instance,
) -> None:
    alice, bob, carol = [await join(instance, name) for name in ("alice", "bob", "carol")]
    liked = await hanging.hang(instance, bob, text="#fog")
    same = await hanging.hang(instance, carol, text="#fog")
    others = []
    for number in range(28):
        who = await join(instance, f"m{number}")
        others.append(await hanging.hang(instance, who, text="x"))
    async with instance.easel.database.write() as tx:
        await favourites.add(tx, await tx.get_one(Account, alice.id), liked)
    await instance.run_jobs()
    async with at(instance) as visitor:
        assert (await visitor.get(HERE)).location.startswith("/sign-in")
        await visitor.sign_in("alice")
        home = (await visitor.get("/home")).page
        assert HERE not in [link["href"] for link in home.all("a")]
        assert (await visitor.get(HERE)).location == TUNING
        seen = await visitor.get(TUNING)
        assert "enabled" not in filled(form_of(seen, TUNING))
        seen = await send(visitor, seen, TUNING, enabled="1", surprise="10")
        assert seen.location == f"{TUNING}?kept=1"
        kept = filled(form_of(await visitor.get(TUNING), TUNING))
        assert (kept["enabled"], kept["surprise"], kept["ai"]) == ("1", "10", "all")
        home = (await visitor.get("/home")).page
        assert HERE in [link["href"] for link in home.all("a")]

        first = await visitor.get(HERE)
        assert first.headers["Cache-Control"] == "no-store"
        tiles = first.page.one("ul", _class="wall").all("li")
        assert len(tiles) == 24
        assert tiles[0].one("a")["href"] == f"/@carol/{same.id}"
        assert "Because you liked a picture with #fog" in tiles[0].text
        assert "Something new" in tiles[1].text
        older = first.page.one("a", rel="next")["href"]
        rest = await visitor.get(older)
        found = [
            tile.one("a")["href"]
            for seen in (first, rest)
            for tile in seen.page.one("ul", _class="wall").all("li")
        ]
        assert len(found) == len(set(found)) == 29
        posts = await visitor.get(f"{HERE}?view=posts")
        assert "Because you liked a picture with #fog" in posts.body

        more = f"{HERE}/{same.id}/more"
        answer = await send(visitor, first, more)
        assert answer.status == 303
        [less] = [
            button["formaction"]
            for form in posts.page.all("form")
            for button in form.all("button")
            if button.attributes.get("formaction") == f"{HERE}/{others[0].id}/less"
        ] or [f"{HERE}/{others[0].id}/less"]
        await send(visitor, first, more, to=less)
        again = f"{(await visitor.get(HERE)).body}{(await visitor.get(older)).body}"
        assert f"/{others[0].id}" not in again
        async with instance.easel.database.read() as session:
            marks = {
                number: (await session.get_one(ForYouMark, (alice.id, number))).more
                for number in (same.id, others[0].id)
            }
        assert marks == {same.id: True, others[0].id: False}
        wrong = filled(form_of(await visitor.get("/settings/for-you"), TUNING))
        assert (await visitor.post(f"{HERE}/{same.id}/twice", wrong)).status == 404
        assert (await visitor.post(f"{HERE}/{same.id}/more", {})).status == 403
        for fresh in ("x", "9" * 5000):
            assert (await visitor.post(TUNING, wrong | {"fresh": fresh})).status == 422

        await send(visitor, await visitor.get(TUNING), f"{TUNING}/reset")
        assert "Because you liked" not in (await visitor.get(HERE)).body
        seen = await visitor.get(TUNING)
        fields = filled(form_of(seen, TUNING))
        del fields["enabled"]
        await visitor.post(TUNING, fields)
        assert (await visitor.get(HERE)).location == TUNING
        assert (await visitor.get(older)).location == TUNING
