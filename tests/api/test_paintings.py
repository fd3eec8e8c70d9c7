"""Our own API: pictures asked for, watched and cancelled by apps."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from fedi.clock import FakeClock
from fedi.database.tables import Status
from tests import rig
from tests.api.apps import Answer, App, events
from tests.studio.asking import reaches
from tests.studio.easel_painter import connected

PATH = "/api/easel/v1/paintings"
RECIPE = {"prompt": "a lighthouse", "seed": 42, "width": 512, "height": 256, "steps": 4}


async def test_a_picture_is_asked_for_and_found_again(alice: App) -> None:
    made = await alice.post(PATH, {"recipe": RECIPE, "share_recipe": True})
    assert made.status == 201
    painting = made.body
    assert made.headers["Location"] == f"{alice.instance.url}{PATH}/{painting['id']}"
    assert painting["recipe"] == RECIPE
    assert (painting["state"], painting["ahead"], painting["media"], painting["status"]) == (
        "queued", 0, None, None,
    )  # fmt: skip
    assert painting["description"] == ""  # until there is something to describe
    again = await alice.get(f"{PATH}/{painting['id']}")
    assert (again.status, again.body) == (200, painting)

    second = (await alice.post(PATH, {"recipe": {"prompt": "two"}})).body
    assert second["description"] == "" and second["ahead"] == 1
    listed = (await alice.get(PATH)).body
    assert [one["id"] for one in listed] == [second["id"], painting["id"]]
    assert (await alice.get(f"{PATH}?limit=1")).body == listed[:1]
    assert (await alice.get(f"{PATH}?max_id={second['id']}")).body == listed[1:]


async def test_who_asks_too_often_is_told_when_to_ask_again(
    new_database: rig.NewDatabase, tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    async with rig.serve_instance(
        tmp_path, new_database(), clock=FakeClock(), painting={"local": False, "max_per_hour": 1}
    ) as instance:
        alice = await App.of(instance, browser, "alice")
        assert (await alice.post(PATH, {"recipe": RECIPE})).status == 201
        instance.clock.advance(timedelta(minutes=10))
        refused = await alice.post(PATH, {"recipe": RECIPE})
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "3000"
    assert refused.body["error"].endswith("ask again in 50 minutes.")


async def test_a_picture_is_watched_to_its_end(alice: App) -> None:
    asked = {"recipe": RECIPE, "post": {"text": "Look!", "visibility": "unlisted"}}
    painting = (await alice.post(PATH, asked)).body
    assert painting["status"]["id"] is None
    async with (
        alice.browser.get(
            f"{alice.instance.url}{PATH}/{painting['id']}/events",
            headers={"Authorization": f"Bearer {alice.token}"},
            timeout=aiohttp.ClientTimeout(total=60),
        ) as stream,
        contextlib.AsyncExitStack() as later,
    ):
        assert stream.status == 200
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        heard = events(stream)
        assert await anext(heard) == ("queued", painting)  # before anything has happened
        card = await later.enter_async_context(connected(alice.instance))
        given = await card.given()
        await card.step(given, 1, 4, b"\xff\xd8 preview")
        seen: list[tuple[str, Any]] = [await anext(heard)]
        while seen[-1][0] != "progress":
            seen.append(await anext(heard))
        progress = seen[-1][1]
        assert (progress["step"], progress["steps"], progress["stage"]) == (1, 4, "painting")
        assert progress["preview"].startswith("data:image/jpeg;base64,")
        await card.finish(given)
        rest = [event async for event in heard]  # the stream ends by itself
    kind, done = rest[-1]
    assert kind == "done"
    assert done == (await alice.get(f"{PATH}/{painting['id']}")).body
    assert done["status"]["uri"] == painting["status"]["uri"]
    async with alice.instance.easel.database.read() as session:
        status = await session.get(Status, int(done["status"]["id"]))
    assert status is not None
    assert (status.uri, status.visibility) == (painting["status"]["uri"], "unlisted")
    for url in (done["media"]["url"], done["media"]["preview_url"]):
        async with alice.browser.get(url) as file:  # for everybody, without a token
            assert file.status == 200
            assert file.headers["Content-Type"].startswith("image/")
            assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert done["media"]["width"] == done["media"]["height"] == 64
    assert done["media"]["blurhash"]

    # Who looks later hears how it ended, at once.
    async with alice.browser.get(
        f"{alice.instance.url}{PATH}/{painting['id']}/events",
        headers={"Authorization": f"Bearer {alice.token}"},
    ) as stream:
        assert [event async for event in events(stream)] == [("done", done)]


async def test_a_picture_may_quote_a_post(alice: App) -> None:
    quoted = (await alice.post("/api/v1/statuses", {"status": "who paints this?"})).body
    post = {"text": "I do", "quoted_status_id": quoted["id"]}
    painting = (await alice.post(PATH, {"recipe": RECIPE, "post": post})).body
    assert painting["post"]["quoted_status_id"] == quoted["id"]
    async with connected(alice.instance) as card:
        await card.finish(await card.given())
        async with alice.browser.get(
            f"{alice.instance.url}{PATH}/{painting['id']}/events",
            headers={"Authorization": f"Bearer {alice.token}"},
        ) as stream:  # it ends by itself
            [*_, (_, seen)] = [event async for event in events(stream)]
    shown = (await alice.get(f"/api/v1/statuses/{seen['status']['id']}")).body
    assert shown["quote"]["quoted_status"]["id"] == quoted["id"]
    assert shown["media_attachments"]


async def test_a_picture_is_cancelled(alice: App) -> None:
    painting = (await alice.post(PATH, {"recipe": RECIPE, "post": {"text": "x"}})).body
    for _ in range(2):
        gone = await alice.ask("DELETE", f"{PATH}/{painting['id']}")
        assert (gone.status, gone.body["state"]) == (200, "cancelled")
        assert gone.body["ahead"] is None
    async with connected(alice.instance) as card:
        other = (await alice.post(PATH, {"recipe": {"prompt": "other"}})).body
        assert (await card.given()).painting == other["id"]


async def test_a_wait_is_estimated_from_what_was_painted(alice: App) -> None:
    first = (await alice.post(PATH, {"recipe": RECIPE})).body
    second = (await alice.post(PATH, {"recipe": RECIPE})).body
    assert second["estimated_seconds"] is None
    async with connected(alice.instance) as card:
        given = await card.given()
        alice.instance.clock.advance(timedelta(seconds=8))
        async with reaches(alice.instance.easel, int(first["id"]), "done"):
            await card.finish(given)
        await card.given()
        seen = (await alice.get(f"{PATH}/{second['id']}")).body
        assert (seen["ahead"], seen["estimated_seconds"]) == (0, 8.0)


async def test_nobody_sees_anothers_pictures(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    bob = await App.of(instance, browser, "bob")
    painting = (await alice.post(PATH, {"recipe": RECIPE})).body
    nothing = await bob.get(f"{PATH}/{int(painting['id']) + 1}")
    assert nothing.status == 404
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/events")):
        other = await bob.ask(method, f"{PATH}/{painting['id']}{path}")
        assert (other.status, other.error) == (404, nothing.error)
    assert (await bob.get(PATH)).body == []
    assert (await alice.get(f"{PATH}/{painting['id']}")).body["state"] == "queued"


async def test_who_may_what(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    reader = await App.of(instance, browser, "alice", "read")
    writer = await App.of(instance, browser, "alice", "write:statuses")
    nobody = App(instance, browser, alice.account, None)
    liar = App(instance, browser, alice.account, "wrong")
    painting = (await alice.post(PATH, {"recipe": RECIPE})).body
    calls: list[tuple[str, str, Any]] = [
        ("POST", PATH, {"recipe": RECIPE}),
        ("DELETE", f"{PATH}/{painting['id']}", None),
        ("GET", PATH, None),
        ("GET", f"{PATH}/{painting['id']}", None),
        ("GET", f"{PATH}/{painting['id']}/events", None),
    ]

    def refused(answer: Answer, status: int, error: str) -> None:
        assert answer.status == status and answer.error
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge.startswith("Bearer ") and error in challenge

    for method, path, content in calls:
        refused(await nobody.ask(method, path, content), 401, "realm")
        refused(await liar.ask(method, path, content), 401, "invalid_token")
        weak = writer if method == "GET" else reader
        refused(await weak.ask(method, path, content), 403, "insufficient_scope")
    assert (await writer.post(PATH, {"recipe": RECIPE})).status == 201
    assert (await reader.get(PATH)).status == 200


NONSENSE: list[tuple[Any, int, str]] = [
    ({}, 422, "recipe"),
    ({"recipe": "a cat"}, 422, "recipe"),
    ({"recipe": {}}, 422, "prompt"),
    ({"recipe": {"prompt": "   "}}, 422, "prompt"),
    ({"recipe": {"prompt": 7}}, 422, "prompt"),
    ({"recipe": {"prompt": "x" * 5000}}, 422, "4000"),
    ({"recipe": {"prompt": "x", "steps": 61}}, 422, "60 steps"),
    ({"recipe": {"prompt": "x", "steps": -1}}, 422, "steps"),
    ({"recipe": {"prompt": "x", "steps": 1e9}}, 422, "steps"),
    ({"recipe": {"prompt": "x", "width": 2048, "height": 2048}}, 422, "megapixels"),
    ({"recipe": {"prompt": "x", "width": 512}}, 422, "height"),
    ({"recipe": {"prompt": "x", "model": "/etc/passwd"}}, 422, "model"),
    ({"recipe": {"prompt": "x", "model": "../../x"}}, 422, "model"),
    ({"recipe": {"prompt": "x", "model": "a/b"}}, 422, "Nobody here paints with a/b"),
    ({"recipe": {"prompt": "x", "count": 4}}, 422, "count"),
    ({"recipe": {"prompt": "x", "colour": "red"}}, 422, "colour"),
    ({"recipe": RECIPE, "share_recipe": "yes"}, 422, "share_recipe"),
    ({"recipe": RECIPE, "description": "x" * 20000}, 422, "description"),
    ({"recipe": RECIPE, "description": ["x"]}, 422, "description"),
    ({"recipe": RECIPE, "post": "hello"}, 422, "post"),
    ({"recipe": RECIPE, "post": {"visibility": "secret"}}, 422, "visibility"),
    ({"recipe": RECIPE, "post": {"text": "x" * 6000}}, 422, "5000"),
    ({"recipe": RECIPE, "post": {"text": 5}}, 422, "text"),
    ({"recipe": RECIPE, "post": {"quoted_status_id": "x"}}, 422, "quoted_status_id"),
    ({"recipe": RECIPE, "post": {"poll": {}}}, 422, "no field “poll”"),
    ({"recipe": RECIPE, "post": {"sensitive": 1}}, 422, "sensitive"),
    ({"recipe": RECIPE, "post": {"spoiler_text": "x" * 600}}, 422, "500"),
    (["recipe"], 400, "object"),
    (b"{", 400, "JSON"),
    (b"", 400, "JSON"),
    (b'{"recipe": {"prompt": "a\\u0000b"}}', 400, "NUL"),
    (b'{"recipe": {"prompt": "\\ud800"}}', 400, "JSON"),
    (b'{"recipe": {"prompt": "a", "steps": NaN}}', 400, "JSON"),
    (b"[" * 100_000, 400, "JSON"),
    (b'{"a":' * 40 + b"1" + b"}" * 40, 400, "deep"),
    (b" " * (1024 * 1024 + 1), 413, "large"),
]


async def test_nonsense_is_refused_in_a_sentence(alice: App) -> None:
    for content, status, says in NONSENSE:
        answer = await alice.post(PATH, content, headers={"Content-Type": "application/json"})
        assert answer.status == status, (str(content)[:60], answer.body)
        assert says in answer.error
    assert (await alice.get(PATH)).body == []


async def test_other_kinds_of_bodies_and_addresses_are_refused(alice: App) -> None:
    plain = await alice.post(PATH, b"{}", headers={"Content-Type": "text/plain"})
    assert plain.status == 415 and "application/json" in plain.error
    for number in ("0", "x", "-1", "9" * 30, "%00", "1%2F..", "٣"):
        answer = await alice.get(f"{PATH}/{number}")
        assert answer.status == 404 and answer.error
    for query in ("limit=x", "limit=-1", "max_id=1e9", "max_id=" + "9" * 40):
        answer = await alice.get(f"{PATH}?{query}")
        assert answer.status == 400 and answer.error
    assert (await alice.get(f"{PATH}?limit=0")).status == 200
    assert (await alice.ask("PUT", f"{PATH}/1")).status == 405


async def test_the_queue_is_limited_per_account(alice: App) -> None:
    for _ in range(20):
        assert (await alice.post(PATH, {"recipe": RECIPE})).status == 201
    full = await alice.post(PATH, {"recipe": RECIPE})
    assert full.status == 422 and "20" in full.error


async def test_every_limit_is_the_same_through_each_face_that_asks_for_pictures(
    new_database: rig.NewDatabase, tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    """Through the painting API, an attachment, and the words of a post, as text and as HTML."""
    limits = {
        "max_steps": 10, "max_megapixels": 0.3, "max_waiting": 4, "max_per_hour": 8,
        "blocked_words": ["grusel"], "model": "flux2-klein-4b", "local": False,
    }  # fmt: skip
    async with rig.serve_instance(
        tmp_path, new_database(), clock=FakeClock(), painting=limits
    ) as instance:
        alice = await App.of(instance, browser, "alice")

        async def faces(**recipe: Any) -> list[Answer]:
            prompt = recipe.pop("prompt", "a boat")
            names = {"negative_prompt": "no"}
            options = "".join(f" --{names.get(name, name)} {recipe[name]}" for name in recipe)
            wish = {"type": "Image", "AIPromptInformation": prompt} | recipe
            if "model" in wish:
                wish["AISystemUsed"] = wish.pop("model")
            if "negative_prompt" in wish:
                wish["AIPromptInformation"] += f"\nNegative prompt: {wish.pop('negative_prompt')}"
            words = f"/imagine {prompt}{options}"
            found = [await alice.post(PATH, {"recipe": {"prompt": prompt} | recipe})]
            found.append(await alice.submit({"type": "Note", "attachment": wish}))
            if "width" not in recipe:
                found.append(await alice.submit({"type": "Note", "content": f"<p>{words}</p>"}))
                plain = {"content": words, "mediaType": "text/plain"}
                found.append(await alice.submit({"type": "Note", "source": plain}))
            return found

        for recipe, says in (
            ({"steps": 11}, "At most 10 steps are allowed here."),
            ({"width": 1024, "height": 1024}, "at most 0.3 megapixels are allowed here."),
            ({"prompt": "ein Grusel"}, "Grusel"),
            ({"model": "sdxl"}, "Nobody here paints with sdxl"),
            ({"negative_prompt": "fog"}, "FLUX.2 klein 4B takes no negative prompt."),
        ):
            for refused in await faces(**recipe):
                assert refused.status == 422, recipe
                assert says in refused.error or says == "Grusel"
        assert (await alice.get(PATH)).body == []

        small = {"width": 512, "height": 512}
        asked = [await alice.post(PATH, {"recipe": RECIPE | small}) for _ in range(4)]
        assert [answer.status for answer in asked] == [201] * 4
        for refused in await faces(steps=2):
            assert refused.status == 422
            assert "at most 4 are allowed" in refused.error or "megapixels" in refused.error

        async with connected(instance, models=("flux2-klein-4b",)) as card:
            for number in range(8):
                given = await card.given()
                async with reaches(instance.easel, int(given.painting), "done"):
                    await card.finish(given)
                if number >= 3 and number < 7:
                    assert (await alice.post(PATH, {"recipe": RECIPE | small})).status == 201
        instance.clock.advance(timedelta(minutes=20))
        for refused in await faces(steps=2, width=512, height=512):
            assert refused.status == 429
            assert refused.headers["Retry-After"] == "2400"
            assert refused.error.endswith("ask again in 40 minutes.")
        words = {"type": "Note", "content": "/imagine a boat --ar 1:1"}
        refused = await alice.submit(words)
        assert (refused.status, refused.headers["Retry-After"]) == (429, "2400")
