"""Pictures that begin with pictures, and recipes taken over, as apps ask for them."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image
from sqlmodel import select

from fedi.clock import FakeClock
from fedi.database.tables import (
    Account,
    InputPicture,
    MediaAttachment,
    Notification,
    Painting,
    Status,
)
from fedi.social import statuses
from fedi.social.statuses import Draft
from fedi.studio import inputs, pictures
from generation import credentials, provenance
from generation.credentials import Parent
from tests import rig
from tests.api.apps import PUBLIC, App
from tests.api.beginning import PATH, PUBLIC_POST, ask, form, painted, upload
from tests.studio.asking import reaches
from tests.studio.easel_painter import connected, picture


async def test_a_picture_comes_to_the_painter_with_its_recipe(alice: App) -> None:
    mine = await upload(alice, picture(96, 64, "red"))
    made = await ask(alice, {"source": {"media_id": str(mine.id)}, "strength": 0.5})
    assert made.status == 201, made.body
    recipe = made.body["recipe"]
    assert recipe["source"] == mine.digest and recipe["strength"] == 0.5
    # The canvas has the picture's shape, in what the usual model can paint.
    assert (recipe["width"], recipe["height"]) == (128, 64)
    async with connected(alice.instance) as card:
        given = await card.given()
        assert list(card.pictures) == [given.recipe.source] == [mine.digest]
        [content] = card.pictures.values()
        assert pictures.digest(content) == mine.digest
        async with reaches(alice.instance.easel, int(made.body["id"]), "done"):
            await card.finish(given)
    done = (await alice.get(f"{PATH}/{made.body['id']}")).body
    async with alice.browser.get(done["media"]["url"]) as file:
        told = provenance.read(await file.read())
    assert told.digital_source_type.endswith("/compositeWithTrainedAlgorithmicMedia")
    assert told.generated


async def test_pictures_survive_a_restart_and_the_end_of_where_they_are_from(
    new_database: rig.NewDatabase, tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    database, clock = new_database(), FakeClock()
    async with rig.serve_instance(tmp_path, database, clock=clock) as instance:
        alice = await App.of(instance, browser, "alice")
        mine = await upload(alice)
        made = (await ask(alice, {"source": {"media_id": str(mine.id)}})).body
        async with connected(instance, "first") as card:
            first = await card.given()
            before = card.pictures
            await card.die()
        async with instance.easel.database.write() as tx:
            row = await tx.get(MediaAttachment, mine.id)
            assert row is not None and row.file and row.preview_file
            await tx.delete(row)
        await instance.easel.storage.delete(row.file)
    async with (
        rig.serve_instance(tmp_path, database, clock=clock) as instance,
        connected(instance, "second") as card,
    ):
        again = await card.given()
        assert (again.painting, again.recipe) == (first.painting, first.recipe)
        assert card.pictures == before and len(before) == 1
        async with reaches(instance.easel, int(made["id"]), "done"):
            await card.finish(again)


async def test_a_copy_that_is_gone_fails_in_a_sentence_and_the_next_is_painted(alice: App) -> None:
    mine = await upload(alice)
    made = (await ask(alice, {"source": {"media_id": str(mine.id)}})).body
    other = (await ask(alice, {})).body
    async with alice.instance.easel.database.read() as session:
        [kept] = (await session.exec(select(InputPicture))).all()
    await alice.instance.easel.storage.delete(kept.file)
    async with connected(alice.instance) as card:
        assert (await card.given()).painting == other["id"]
    failed = (await alice.get(f"{PATH}/{made['id']}")).body
    assert (failed["state"], failed["error"]) == (
        "failed", "A picture that this begins with is not there any more.",
    )  # fmt: skip


async def test_files_come_in_a_form(alice: App) -> None:
    recipe = {
        "prompt": "a boat",
        "source": {"upload": "photo"},
        "mask": {"upload": "hole"},
        "references": [{"upload": "photo"}],
    }
    files = {"photo": picture(96, 64, "red"), "hole": picture(96, 64, "white")}
    made = await form(alice, {"recipe": recipe}, files)
    assert made.status == 201, made.body
    assert made.body["recipe"]["source"] == made.body["recipe"]["references"][0]
    async with connected(alice.instance) as card:
        given = await card.given()
        assert set(card.pictures) == {given.recipe.source, given.recipe.mask}
    # What was begun with before can be named by its digest, by the same account.
    again = await ask(alice, {"source": given.recipe.source})
    assert again.status == 201
    bob = await App.of(alice.instance, alice.browser, "bob")
    assert (await ask(bob, {"source": given.recipe.source})).status == 404


async def test_forms_that_are_wrong_are_refused_in_a_sentence(alice: App) -> None:
    recipe = {"prompt": "a boat", "source": {"upload": "photo"}}
    for asked, files, status, says in (
        ("{", {"x": b""}, 400, "request"),
        ("[]", {"x": b""}, 400, "object"),
        ({"recipe": recipe}, {"x": b""}, 422, "was not sent along"),
        ({"recipe": recipe}, {"photo": b"no picture"}, 422, "picture"),
        ({"recipe": recipe}, {"photo": b"\x89PNG\r\n\x1a\n" + bytes(99)}, 422, "picture"),
        ({"recipe": recipe}, {"photo": b"<svg/>"}, 422, "picture"),
        ({"recipe": recipe}, {str(n): b"x" for n in range(9)}, 400, "files"),
    ):
        answer = await form(alice, asked, files)
        assert answer.status == status, (asked, answer.body)
        assert says in answer.error
    large = await form(alice, {"recipe": recipe}, {"photo": bytes(66 * 2**20)})
    assert large.status == 413
    kind = {"Content-Type": "multipart/form-data"}
    assert (await alice.post(PATH, b"--x--", headers=kind)).status == 400
    assert (await alice.get(PATH)).body == []


HOSTILE: list[tuple[Any, int, str]] = [
    ("zQm" + "a" * 44, 404, "not there"),
    ("/etc/passwd", 404, "not there"),
    ({"media_id": "1"}, 404, "not there"),
    ({"media_id": "9" * 40}, 404, "not there"),
    ({"media_id": 7}, 404, "not there"),
    ({"media_id": "٣"}, 404, "not there"),
    ({"painting_id": "1"}, 404, "not there"),
    ({"status_id": "1"}, 404, "not there"),
    ({"status_id": None}, 404, "not there"),
    ({"url": "https://b.example/1.png"}, 422, "one of media_id, painting_id, status_id, upload"),
    ({"media_id": "1", "upload": "x"}, 422, "one of"),
    ({}, 422, "one of"),
    (7, 422, "one of"),
    ([{"media_id": "1"}], 422, "one of"),
    ({"upload": ["x"]}, 422, "was not sent along"),
]


async def test_pictures_that_are_not_there_are_refused(alice: App) -> None:
    for name in ("source", "mask", "references"):
        for entry, status, says in HOSTILE:
            answer = await ask(alice, {name: [entry] if name == "references" else entry})
            assert answer.status == status, (name, entry, answer.body)
            assert says in answer.error
    many = await ask(alice, {"references": [{"media_id": "1"}] * 5})
    assert many.status == 422 and "at most 4" in many.error
    plain = await ask(alice, {"references": {"media_id": "1"}})
    assert plain.status == 422 and "list" in plain.error


async def test_what_does_not_fit_together_is_refused(alice: App) -> None:
    wide, small = await upload(alice, picture(96, 64)), await upload(alice, picture(64, 64))
    source, mask = {"media_id": str(wide.id)}, {"media_id": str(small.id)}
    for recipe, says in (
        ({"source": source, "mask": mask}, "The mask is 64 × 64 pixels and its picture 96 × 64"),
        ({"mask": mask}, "A mask needs the picture"),
        ({"strength": 0.5}, "A strength needs the picture"),
        ({"source": source, "strength": 1.5}, "“strength” must be a number"),
        ({"source": source, "upscale": 3}, "“upscale”"),
        ({"loras": [{"name": "../x"}]}, "name of a LoRA"),
    ):
        answer = await ask(alice, recipe)
        assert answer.status == 422, answer.body
        assert says in answer.error
    film = await upload(alice)
    async with alice.instance.easel.database.write() as tx:
        row = await tx.get(MediaAttachment, film.id)
        assert row is not None
        row.type = "video"
    answer = await ask(alice, {"source": {"media_id": str(film.id)}})
    assert answer.status == 422 and "is no picture" in answer.error


@pytest.mark.parametrize(
    ("model", "recipe", "says"),
    [
        ("z-image-turbo", {"references": 1}, "Z-Image Turbo cannot look at reference pictures."),
        ("flux2-klein-4b", {"source": 1}, "FLUX.2 klein 4B cannot start from a picture."),
        ("sdxl-lightning", {"source": 1, "strength": 0.2}, "SDXL Lightning paints in"),
        ("ernie-image-turbo", {"source": 1, "mask": 1}, "cannot paint inside a mask."),
        (
            "flux2-klein-4b",
            {"source": 1, "mask": 1, "references": 2},
            "FLUX.2 klein 4B looks at one reference inside a mask.",
        ),
    ],
)
async def test_what_the_model_cannot_do_is_refused_before_it_is_queued(
    model: str,
    recipe: dict[str, Any],
    says: str,
    new_database: rig.NewDatabase,
    tmp_path: Path,
    browser: aiohttp.ClientSession,
) -> None:
    painting = {"local": False, "model": model}
    async with rig.serve_instance(tmp_path, new_database(), painting=painting) as instance:
        alice = await App.of(instance, browser, "alice")
        mine = {"media_id": str((await upload(alice)).id)}
        wanted = {
            name: [mine] * value if name == "references" else mine if value == 1 else value
            for name, value in recipe.items()
        }
        answer = await ask(alice, wanted)
        assert answer.status == 422 and says in answer.error
        assert (await alice.get(PATH)).body == []


async def test_somebody_elses_picture_needs_to_be_seen_and_shared(alice: App, bob: App) -> None:
    shared = await painted(alice, post=PUBLIC_POST)
    unshared = await painted(alice, share=False, post=PUBLIC_POST)
    private = await painted(alice, post=PUBLIC_POST | {"visibility": "private"})
    unposted = await painted(alice)

    def ways(of: dict[str, Any]) -> list[dict[str, Any]]:
        found = [{"media_id": of["media"]["id"]}]
        return found + ([{"status_id": of["status"]["id"]}] if of["status"] else [])

    for of, status in ((shared, 201), (unshared, 403), (private, 404), (unposted, 404)):
        for way in ways(of):
            answer = await ask(bob, {"source": way})
            assert answer.status == status, (way, answer.body)
            assert (await ask(alice, {"source": way})).status == 201
        assert (await ask(bob, {"source": {"painting_id": of["id"]}})).status == 404
        assert (await ask(alice, {"source": {"painting_id": of["id"]}})).status == 201
    made = (await ask(bob, {"source": ways(shared)[1]})).body
    assert made["remix_of"] == shared["status"]["uri"]
    queued = (await ask(alice, {})).body
    early = await ask(alice, {"source": {"painting_id": queued["id"]}})
    assert early.status == 422 and "not painted yet" in early.error


async def test_several_at_once_have_seeds_in_a_row(alice: App) -> None:
    made = await ask(alice, {"seed": 2**32 - 2}, count=4)
    assert made.status == 201
    assert [one["recipe"]["seed"] for one in made.body] == [2**32 - 2, 2**32 - 1, 0, 1]
    assert len({one["id"] for one in made.body}) == 4
    one = await ask(alice, {}, count=1)
    assert len(one.body) == 1
    for count in (0, 9, -1, 1.5, "4", True, [4]):
        refused = await ask(alice, {}, count=count)
        assert refused.status == 422 and "“count”" in refused.error
    refused = await ask(alice, {}, count=5, post={"text": "x"})
    assert refused.status == 422 and "at most 4 pictures" in refused.error
    # All or none: with five waiting, eight and eight more are too many.
    assert (await ask(alice, {}, count=8)).status == 201
    assert (await ask(alice, {}, count=8)).status == 422
    assert len((await alice.get(PATH)).body) == 13


async def test_several_at_once_are_one_post(alice: App) -> None:
    made = await ask(alice, {"seed": 3}, count=2, post={"text": "Two of them."})
    assert made.status == 201, made.body
    async with connected(alice.instance) as card:
        for one in made.body:
            given = await card.given()
            async with reaches(alice.instance.easel, int(one["id"]), "done"):
                await card.finish(given, picture(96, 64, "salmon"))
    first, second = [(await alice.get(f"{PATH}/{one['id']}")).body for one in made.body]
    assert first["state"] == second["state"] == "done"
    async with alice.instance.easel.database.read() as session:
        status = await session.get(Status, int(first["status"]["id"]))
        shown = (await session.exec(select(MediaAttachment))).all()
    assert status is not None and "Two of them." in status.content
    assert [medium.status_id for medium in shown] == [status.id, status.id]


async def test_a_variation_is_one_call(alice: App, bob: App) -> None:
    first = await painted(alice, width=96, height=64)
    made = await alice.post(PATH, {"variation_of": first["id"]})
    assert made.status == 201, made.body
    told = made.body["recipe"]
    assert told | {"seed": 42} == first["recipe"] and told["seed"] != 42
    near = await alice.post(PATH, {"variation_of": first["id"], "recipe": {"strength": 0.3}})
    assert near.body["recipe"]["strength"] == 0.3
    async with alice.instance.easel.database.read() as session:
        medium = await session.get(MediaAttachment, int(first["media"]["id"]))
    assert medium is not None and near.body["recipe"]["source"] == medium.digest
    # Of what began with a picture, the same picture again.
    again = await alice.post(PATH, {"variation_of": near.body["id"]})
    assert again.body["recipe"]["source"] == medium.digest
    assert (await bob.post(PATH, {"variation_of": first["id"]})).status == 404
    for wrong in (7, "x", "9" * 30, "-1", ["1"]):
        assert (await alice.post(PATH, {"variation_of": wrong})).status == 422
    both = await alice.post(PATH, {"variation_of": "1", "remix_of": "1"})
    assert both.status == 422


async def test_a_remix_takes_the_recipe_over_and_credits(alice: App, bob: App) -> None:
    loras = [{"name": "ink", "weight": 0.5}]
    first = await painted(alice, post=PUBLIC_POST, width=96, height=64, steps=7, loras=loras)
    asked = {
        "remix_of": first["status"]["id"],
        "recipe": {"prompt": "a lighthouse at night", "seed": None},
        "share_recipe": True,
        "post": {"text": "Mine now.", "visibility": "public"},
    }
    made = await bob.post(PATH, asked)
    assert made.status == 201, made.body
    told = made.body["recipe"]
    assert told["prompt"] == "a lighthouse at night" and told["seed"] != 42
    assert (told["width"], told["height"]) == (96, 64)
    assert made.body["remix_of"] == first["status"]["uri"]
    async with connected(bob.instance) as card:
        given = await card.given()
        async with reaches(bob.instance.easel, int(made.body["id"]), "done"):
            await card.finish(given)
    done = (await bob.get(f"{PATH}/{made.body['id']}")).body
    async with bob.instance.easel.database.read() as session:
        status = await session.get(Status, int(done["status"]["id"]))
        notices = (await session.exec(select(Notification))).all()
    assert status is not None and status.based_on_uri == first["status"]["uri"]
    assert "Remix of <a " in status.content and "@alice</a>" in status.content
    assert [(n.type, n.account_id, n.from_account_id, n.status_id) for n in notices] == [
        ("remix", alice.account.id, bob.account.id, status.id)
    ]
    async with bob.browser.get(first["media"]["url"]) as file:
        parent = await file.read()
    async with bob.instance.easel.database.read() as session:
        painting = await session.get(Painting, int(made.body["id"]))
    assert painting is not None
    assert await inputs.parent(bob.instance.easel, painting) == Parent(
        uri=first["status"]["uri"], picture=parent, media_type="image/png"
    )
    assert given.pictures == ()  # the painter needs only the words
    async with bob.browser.get(done["media"]["url"]) as file:
        content = await file.read()
    assert provenance.read(content).fields["Remix of"] == first["status"]["uri"]
    signed = credentials.read(content, "image/png", {})
    assert (signed.state, signed.parents) == ("valid", (first["status"]["uri"],))

    chain = "/api/easel/v1/statuses/{}/remixes"
    up = (await alice.get(chain.format(status.id))).body
    assert [one["uri"] for one in up["parents"]] == [first["status"]["uri"]]
    assert up["remixes"] == [] and up["remix_of"] == first["status"]["uri"]
    down = (await alice.get(chain.format(first["status"]["id"]))).body
    assert [one["uri"] for one in down["remixes"]] == [status.uri]
    assert down["parents"] == [] and down["remix_of"] is None
    assert down["remixes"][0]["account"] == "bob"
    assert (await alice.get(chain.format("1"))).status == 404


async def test_a_remix_needs_a_recipe_that_is_shared_and_seen(alice: App, bob: App) -> None:
    unshared = await painted(alice, share=False, post=PUBLIC_POST)
    private = await painted(alice, post=PUBLIC_POST | {"visibility": "direct"})
    for of, status, says in ((unshared, 403, "does not share"), (private, 404, "no such post")):
        refused = await bob.post(PATH, {"remix_of": of["status"]["id"]})
        assert refused.status == status and says in refused.error
        own = await alice.post(PATH, {"remix_of": of["status"]["id"]})
        assert own.status == 201, own.body
    async with alice.instance.easel.database.write() as tx:
        words = await statuses.publish(tx, alice.account, Draft(text="no picture"))
    refused = await bob.post(PATH, {"remix_of": str(words.id)})
    assert refused.status == 422 and "no picture" in refused.error
    async with alice.instance.easel.database.read() as session:
        assert (await session.exec(select(Notification))).all() == []


async def test_what_is_posted_later_is_a_remix_too(alice: App, bob: App) -> None:
    first = await painted(alice, post=PUBLIC_POST)
    made = (await bob.post(PATH, {"remix_of": first["status"]["id"]})).body
    async with connected(bob.instance) as card:
        given = await card.given()
        async with reaches(bob.instance.easel, int(made["id"]), "done"):
            await card.finish(given)
    done = (await bob.get(f"{PATH}/{made['id']}")).body
    async with bob.instance.easel.database.write() as tx:
        account = await tx.get(Account, bob.account.id)
        assert account is not None
        media_ids = [int(done["media"]["id"])]
        status = await statuses.publish(tx, account, Draft(text="hm", media_ids=media_ids))
        assert status.based_on_uri == first["status"]["uri"]
        await statuses.edit(tx, account, status, Draft(text="hm, better"))
        assert "Remix of <a " in status.content and "better" in status.content


async def test_a_mask_may_be_of_any_kind_that_pictures_are(alice: App) -> None:
    out = picture(64, 64)
    for mode in ("L", "1", "RGBA"):
        file = io.BytesIO()
        Image.new(mode, (64, 64)).save(file, "PNG")
        recipe = {"prompt": "x", "source": {"upload": "a"}, "mask": {"upload": "b"}}
        made = await form(alice, {"recipe": recipe}, {"a": out, "b": file.getvalue()})
        assert made.status == 201, made.body


async def test_forms_count_within_an_hour_whatever_becomes_of_them(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock, browser: aiohttp.ClientSession
) -> None:
    painting = {"max_per_hour": 2}
    async with rig.serve_instance(
        tmp_path, new_database(), clock=clock, painting=painting
    ) as instance:
        alice = await App.of(instance, browser, "alice")
        bob = await App.of(instance, browser, "bob")
        asked = {"recipe": {"prompt": "a boat", "source": {"upload": "photo"}}}
        for _ in range(2):
            assert (await form(alice, asked, {"photo": b"no picture"})).status == 422
        clock.advance(timedelta(minutes=10))
        refused = await form(alice, asked, {"photo": picture()})
        assert refused.status == 429 and refused.headers["Retry-After"] == str(50 * 60)
        assert refused.error.endswith("ask again in 50 minutes.")
        assert (await ask(alice, {})).status == 201  # without files it costs less
        assert (await form(bob, asked, {"photo": picture()})).status == 201
        clock.advance(timedelta(minutes=50))
        assert (await form(alice, asked, {"photo": picture()})).status == 201


async def test_a_remix_that_an_author_names_in_words_carries_the_parent(
    alice: App, bob: App
) -> None:
    """However it was asked for: by a note with a wish, by a command, or with a post."""
    first = await painted(alice, post=PUBLIC_POST)
    uri = first["status"]["uri"]
    unshared = await painted(alice, share=False, post=PUBLIC_POST)
    wish = {"type": "Image", "AIPromptInformation": "a boat"}
    remix: dict[str, Any] = {"type": "Note", "to": [PUBLIC], "isBasedOn": uri}
    asked = [
        bob.submit(remix | {"content": "Mine now.", "attachment": wish}),
        bob.submit(remix | {"content": "/imagine a boat", "mediaType": "text/plain"}),
        ask(bob, {}, post=PUBLIC_POST | {"based_on_uri": uri}),
        bob.submit(remix | {"content": "Words alone."}),
        bob.submit(remix | {"content": "/imagine a boat", "isBasedOn": unshared["status"]["uri"]}),
    ]
    easel = bob.instance.easel
    before = [path for path in easel.settings.media.folder.rglob("*") if path.is_file()]
    answer = await asked[3]
    assert answer.status == 201, answer.body
    after = [path for path in easel.settings.media.folder.rglob("*") if path.is_file()]
    assert before == after  # where nothing is painted, nothing is kept
    for number in (0, 1, 2, 4):
        answer = await asked[number]
        assert answer.status == 201, answer.body
        newest = (await bob.get(f"{PATH}?limit=1")).body[0]
        async with easel.database.read() as session:
            painting = await session.get(Painting, int(newest["id"]))
        assert painting is not None
        parent = await inputs.parent(easel, painting)
        assert parent is not None and parent.uri == (painting.based_on_uri or "")
        assert bool(parent.picture) is (number != 4)
        async with connected(bob.instance, f"card {number}") as card:
            given = await card.given()
            async with reaches(easel, painting.id, "done"):
                await card.finish(given)
        media_url = (await bob.get(f"{PATH}/{painting.id}")).body["media"]["url"]
        async with bob.browser.get(media_url) as file:
            content = await file.read()
        signed = credentials.read(content, "image/png", {})
        assert (signed.state, signed.parents) == ("valid", (parent.uri,))
