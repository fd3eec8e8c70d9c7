"""A post that waits for its picture: there for its author at once, and for nobody else."""

from __future__ import annotations

from pathlib import Path

import aiohttp
from sqlmodel import col, select

from fedi.database.tables import Job, Notification, Status, Tag
from fedi.social import pending
from generation import protocol
from tests import rig
from tests.api.apps import LD_JSON, PUBLIC, Answer, App
from tests.studio.asking import reaches
from tests.studio.easel_painter import connected

AS = {"Accept": LD_JSON}
PAGE = {"Accept": "text/html"}
PAINTINGS = "/api/easel/v1/paintings"


async def imagine(app: App, words: str = "Look! #sea") -> tuple[Answer, dict[str, object]]:
    """Ask for a post with a picture; the answer, and the painting."""
    followers = app.account.followers_uri
    content = f"/imagine a lighthouse --seed 7\n{words}"
    answer = await app.submit(
        {"type": "Note", "content": content, "mediaType": "text/plain", "to": [PUBLIC],
         "cc": [followers]}
    )  # fmt: skip
    assert answer.status == 201, answer.body
    [painting] = (await app.get(f"{PAINTINGS}?limit=1")).body
    return answer, painting


async def outbox(app: App, whose: App) -> list[str]:
    page = await app.get(f"{whose.account.outbox_uri}?page=true", headers=AS)
    return [item["id"] for item in page.body["orderedItems"]]


async def rows(instance: rig.Instance) -> int:
    """What could be shown, counted or sent."""
    async with instance.easel.database.read() as session:
        found = [*(await session.exec(select(Status))).all(), *(await session.exec(select(Tag)))]
        jobs = await session.exec(select(Job).where(col(Job.kind) == "federate"))
        return len(found) + len(jobs.all())


async def test_only_its_author_sees_it_until_it_publishes_itself_under_its_id(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    bob = await App.of(instance, browser, "bob")
    nobody = App(instance, browser, alice.account, None)
    writer = await App.of(instance, browser, "alice", "write")
    answer, painting = await imagine(alice)
    uri = painting["status"]["uri"]  # type: ignore[index]
    url = painting["status"]["url"]  # type: ignore[index]
    assert answer.body["object"]["id"] == uri
    assert await rows(instance) == 0

    for path in (uri, f"{uri}/activity"):
        seen = await alice.get(path, headers=AS)
        assert seen.status == 200 and "no-store" in seen.headers["Cache-Control"]
        note = seen.body.get("object", seen.body)
        assert note["id"] == uri and note["content"] == answer.body["object"]["content"]
        assert "Look!" in note["content"] and "AIgenerated" in note["content"]
        [picture] = note["attachment"]
        assert "url" not in picture
    page = await alice.get(url, headers=PAGE)
    assert page.status == 200 and "no-store" in page.headers["Cache-Control"]
    assert b"Look!" in page.body and b"0 pictures before it" in page.body
    assert await outbox(alice, alice) == [answer.headers["Location"]]
    for other in (bob, nobody, writer):
        for path, kind in ((uri, AS), (f"{uri}/activity", AS), (url, PAGE), (url, AS)):
            assert (await other.get(path, headers=kind)).status == 404
        assert await outbox(other, alice) == []
    whole = await alice.get(alice.account.outbox_uri, headers=AS)
    assert whole.body["totalItems"] == 0
    async with instance.easel.database.read() as session:
        number = int(str(painting["id"]))
        assert await pending.medium(session, bob.account, number) is None
        waiting = await pending.medium(session, alice.account, number)
        assert waiting is not None and waiting.state == "queued"

    async with connected(instance) as card:
        given = await card.given()
        assert given.recipe.seed == 7
        await card.step(given, 1, 4)
        await rig.until(lambda: _page_says(alice, url, b"Step 1 of 4"))
        assert await rows(instance) == 0
        async with reaches(instance.easel, int(given.painting), "done"):
            await card.finish(given)
    for reader in (alice, bob, nobody):
        seen = await reader.get(uri, headers=AS)
        assert seen.status == 200 and seen.body["attachment"][0]["url"]
        page = await reader.get(url, headers=PAGE)  # the number leads on to the post
        assert page.status == 200 and b"Look!" in page.body and b"0 pictures" not in page.body
        assert await outbox(reader, alice) == [answer.headers["Location"]]
    done = (await alice.get(f"{PAINTINGS}/{painting['id']}")).body
    assert done["status"]["uri"] == uri
    assert done["media"]["id"] == painting["id"]  # as was promised
    async with instance.easel.database.read() as session:
        assert await pending.medium(session, alice.account, number) is None


async def _page_says(app: App, url: str, words: bytes) -> bool:
    return words in (await app.get(url, headers=PAGE)).body


async def test_a_failure_is_told_and_what_was_to_be_posted_can_be_sent_again(
    alice: App, instance: rig.Instance
) -> None:
    _, painting = await imagine(alice)
    async with connected(instance) as card:
        for _ in range(3):
            given = await card.given()
            if _ < 2:
                await card.finish(given, b"no picture")
        async with reaches(instance.easel, int(given.painting), "failed"):
            await card.finish(given, b"no picture")
    failed = (await alice.get(f"{PAINTINGS}/{painting['id']}")).body
    assert failed["state"] == "failed" and failed["error"].endswith(".")
    assert failed["post"]["text"] == "Look! #sea"
    uri = failed["status"]["uri"]
    assert (await alice.get(uri, headers=AS)).status == 404  # no broken post, not even to her
    assert await outbox(alice, alice) == []
    assert await rows(instance) == 0
    async with instance.easel.database.read() as session:
        [notice] = (await session.exec(select(Notification))).all()
    assert (notice.type, notice.painting_id) == ("painting_failed", int(failed["id"]))

    again = {
        "recipe": failed["recipe"] | {"steps": 2},
        "share_recipe": failed["share_recipe"],
        "post": failed["post"] | {"text": "Look again!"},
    }
    sent = (await alice.post(PAINTINGS, again)).body
    assert sent["recipe"]["seed"] == 7 and sent["status"]["uri"] != uri
    async with connected(instance) as card:
        given = await card.given()
        async with reaches(instance.easel, int(given.painting), "done"):
            await card.finish(given)
    seen = await alice.get(sent["status"]["uri"], headers=AS)
    assert "Look again!" in seen.body["content"]


async def test_a_cancelled_one_is_gone(alice: App) -> None:
    _, painting = await imagine(alice)
    gone = await alice.ask("DELETE", f"{PAINTINGS}/{painting['id']}")
    assert gone.body["state"] == "cancelled"
    assert (await alice.get(gone.body["status"]["uri"], headers=AS)).status == 404
    assert await outbox(alice, alice) == []


async def test_an_answer_and_its_people_are_shown_as_they_will_be(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    bob = await App.of(instance, browser, "bob")
    asked = await bob.submit({"type": "Note", "content": "Show me!", "to": [PUBLIC]})
    parent = asked.body["object"]["id"]
    sent = await alice.submit(
        {"type": "Note", "content": "@bob /imagine a boat\nHere.", "mediaType": "text/plain",
         "inReplyTo": parent, "to": [bob.account.uri], "bto": [], "cc": [PUBLIC]}
    )  # fmt: skip
    note = sent.body["object"]
    assert note["inReplyTo"] == parent
    assert [tag["href"] for tag in note["tag"] if tag["type"] == "Mention"] == [bob.account.uri]
    async with connected(instance) as card:
        given = await card.given()
        async with reaches(instance.easel, int(given.painting), "done"):
            await card.finish(given)
    became = (await alice.get(note["id"], headers=AS)).body
    for name in ("inReplyTo", "content", "to", "cc", "tag", "sensitive"):
        assert became.get(name) == note.get(name), name


async def test_an_author_reads_their_own_where_others_must_sign(
    new_database: rig.NewDatabase, tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    async with rig.serve_instance(
        tmp_path, new_database(), federation={"authorized_fetch": True}
    ) as instance:
        alice = await App.of(instance, browser, "alice")
        _, painting = await imagine(alice)
        uri = painting["status"]["uri"]  # type: ignore[index]
        assert (await alice.get(uri, headers=AS)).status == 200
        for token in (None, "wrong"):
            other = App(instance, browser, alice.account, token)
            assert (await other.get(uri, headers=AS)).status == 401


async def ask_for(app: App, count: int) -> tuple[str, list[str]]:
    """The id of a post that asks for so many pictures, and those of its paintings."""
    answer = await app.submit(
        {"type": "Note", "content": f"/imagine a boat --n {count} --seed 7", "to": [PUBLIC]}
    )
    assert answer.status == 201, answer.body
    listed = (await app.get(PAINTINGS)).body
    return answer.body["object"]["id"], [one["id"] for one in reversed(listed)]


async def states(app: App, paintings: list[str]) -> list[str]:
    return [(await app.get(f"{PAINTINGS}/{one}")).body["state"] for one in paintings]


async def test_several_pictures_are_posted_together_when_the_last_is_there(
    alice: App, instance: rig.Instance
) -> None:
    uri, paintings = await ask_for(alice, 3)
    async with connected(instance, slots=3) as card:
        given = [await card.given() for _ in paintings]
        assert [one.recipe.seed for one in given] == [7, 8, 9]
        for number, one in enumerate((given[2], given[0], given[1])):
            assert await rows(instance) == 0
            waiting = await alice.get(uri, headers=AS)
            there = ["url" in picture for picture in waiting.body["attachment"]]
            assert there.count(True) == number and len(there) == 3
            assert await outbox(alice, alice) == [f"{uri}/activity"]
            async with reaches(instance.easel, int(one.painting), "done"):
                await card.finish(one)
    nobody = App(instance, alice.browser, alice.account, None)
    seen = await nobody.get(uri, headers=AS)
    files = []
    for painting in paintings:
        files.append((await alice.get(f"{PAINTINGS}/{painting}")).body["media"]["url"])
    assert [picture["url"] for picture in seen.body["attachment"]] == files
    assert await outbox(nobody, alice) == [f"{uri}/activity"]


async def test_if_one_of_several_fails_the_post_waits_for_its_author(
    alice: App, instance: rig.Instance
) -> None:
    for failing in (0, 1):
        uri, paintings = await ask_for(alice, 3)
        paintings = paintings[-3:]
        async with connected(instance, f"card {failing}", slots=2) as card:
            given = [await card.given(), await card.given()]
            other = given[1 - failing]
            async with reaches(instance.easel, int(other.painting), "done"):
                await card.finish(other)
            third = await card.given()
            async with reaches(instance.easel, int(paintings[0]), "failed"):
                await card.say(
                    protocol.Failed(painting=given[failing].painting, reason="It is too dark.")
                )
            assert await card.hear() == protocol.Cancel(painting=third.painting)
            await card.say(protocol.Cancelled(painting=third.painting))
        assert await states(alice, paintings) == [
            ["failed", "done", "cancelled"], ["failed", "failed", "cancelled"],
        ][failing]  # fmt: skip
        first = (await alice.get(f"{PAINTINGS}/{paintings[0]}")).body
        assert first["error"] == "It is too dark." and first["post"] is not None
        assert (await alice.get(uri, headers=AS)).status == 404
        async with instance.easel.database.read() as session:
            notices = (await session.exec(select(Notification))).all()
        assert [notice.painting_id for notice in notices][failing:] == [int(paintings[0])]
    assert await rows(instance) == 0


async def test_one_of_several_is_cancelled_with_the_others(
    alice: App, instance: rig.Instance
) -> None:
    uri, paintings = await ask_for(alice, 2)
    assert (await alice.ask("DELETE", f"{PAINTINGS}/{paintings[1]}")).body["state"] == "cancelled"
    assert await states(alice, paintings) == ["cancelled", "cancelled"]
    assert (await alice.get(uri, headers=AS)).status == 404


async def test_the_first_of_several_that_is_done_is_cancelled_with_those_to_come(
    alice: App, instance: rig.Instance
) -> None:
    uri, paintings = await ask_for(alice, 3)
    async with connected(instance) as card:
        given = await card.given()
        assert given.painting == paintings[0]
        async with reaches(instance.easel, int(given.painting), "done"):
            await card.finish(given)
        begun = await card.given()
        gone = await alice.ask("DELETE", f"{PAINTINGS}/{paintings[0]}")
        assert gone.body["state"] == "done"  # the picture is there, and stays
        assert await card.hear() == protocol.Cancel(painting=begun.painting)
        await card.say(protocol.Cancelled(painting=begun.painting))
    assert await states(alice, paintings) == ["done", "cancelled", "cancelled"]
    assert (await alice.get(uri, headers=AS)).status == 404
    assert await outbox(alice, alice) == [] and await rows(instance) == 0


async def test_too_many_at_once_are_refused_and_none_is_asked_for(
    new_database: rig.NewDatabase, tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    limits = {"local": False, "max_waiting": 2}
    async with rig.serve_instance(tmp_path, new_database(), painting=limits) as instance:
        alice = await App.of(instance, browser, "alice")
        for count, says in ((3, "at most 2 are allowed"), (5, "from 1 to 4"), (0, "from 1 to 4")):
            refused = await alice.submit(
                {"type": "Note", "content": f"/imagine a boat --n {count}"}
            )
            assert refused.status == 422 and says in refused.error
        assert (await alice.get(PAINTINGS)).body == []
