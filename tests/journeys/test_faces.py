"""One post, made through every door: by ActivityPub, by Mastodon's API, and by the forms of our
pages. In every row of every table, and byte by byte on the wire, they are the same, apart from ids
and moments."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from fedi.clock import FakeClock
from fedi.database.tables import Painting
from fedi.social import emojis
from tests import rig
from tests.api.apps import PUBLIC, App
from tests.federation import peer, seeing
from tests.journeys.faces import Faces, alike, opened
from tests.studio.asking import reaches
from tests.studio.easel_painter import Hand, connected

DAY_S = 86400


@pytest.fixture(params=["sqlite"])
def new_database(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path
) -> AsyncIterator[rig.NewDatabase] | rig.NewDatabase:
    """One database will do: none of what differs between the doors depends on it."""
    if request.param == "postgresql":
        postgres: rig.Postgres = request.getfixturevalue("postgres")
        return postgres.new
    return rig.SQLiteFiles(sqlite_template, tmp_path).new


@pytest.fixture
async def faces(
    instance: rig.Instance, browser: aiohttp.ClientSession, clock: FakeClock
) -> AsyncIterator[Faces]:
    async with peer.opened(clock) as internet, opened(instance, browser, internet) as faces:
        yield faces


@pytest.fixture
async def bob(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "bob")


def plain(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "Note", "content": words, "mediaType": "text/plain", **more}


def png(colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("new_database", ["sqlite", "postgresql"], indirect=True)
async def test_words_with_all_that_can_stand_in_them(faces: Faces, bob: App) -> None:
    """A warning, mentions of people here and elsewhere, a hashtag, an emoji, a link, a language;
    and how somebody usually posts."""
    async with faces.instance.easel.database.write() as tx:
        await emojis.put(tx, "owl", "ab/owl.png", "ab/owl.png", "image/png")
    await faces.prefer(quote_policy="followers", language="de", sensitive=True)
    words = f"Hello @bob and @{faces.peer.handle} :owl:, see https://sea.example/1 #Boats\n\nAhoy"
    followers = faces.app.account.followers_uri
    for audience, to, cc in (
        ("public", [PUBLIC], [followers]),
        ("unlisted", [followers], [PUBLIC]),
        ("private", [followers], []),
        ("direct", [bob.account.uri, faces.peer.uri], []),
    ):
        typed = {"words": words, "warning": "boats :owl:", "audience": audience}
        note = plain(words, summary="boats :owl:", to=to, cc=cc)
        asked = {"status": words, "spoiler_text": "boats :owl:", "visibility": audience}
        left = await faces.same_by(
            outbox=lambda note=note: faces.outbox(note),
            mastodon=lambda asked=asked: faces.mastodon(**asked),
            page=lambda typed=typed: faces.page("/compose", "/compose", language="de", **typed),
            intent=lambda typed=typed: faces.page("/intents/create", "/intents/create", **typed),
        )
        assert len(left["wire"]) == 1 and "Emoji" in left["wire"][0]
        assert left["mention"].total() == 2 and "notification" in left


async def test_a_plain_post_in_another_language_than_usual(faces: Faces) -> None:
    await faces.prefer(sensitive=True, language="en")
    note = plain("Moin", to=[PUBLIC], contentMap={"nds": "Moin"})
    left = await faces.same_by(
        outbox=lambda: faces.outbox(note),
        mastodon=lambda: faces.mastodon(status="Moin", language="nds"),
        page=lambda: faces.page(
            "/compose", "/compose", words="Moin", audience="public", language="nds"
        ),
    )
    assert '"nds":' in left["wire"][0]


async def test_a_reply(faces: Faces) -> None:
    theirs = faces.peer.note("<p>Which boat?</p>", summary="boats")
    await seeing.befriend(faces.instance, faces.app.account, faces.peer)
    await faces.peer.does(faces.instance, faces.peer.create(theirs))
    number = await faces.number(theirs["id"])
    words = f"@{faces.peer.handle} The red one."
    note = plain(words, summary="boats", inReplyTo=theirs["id"], to=[PUBLIC])
    left = await faces.same_by(
        outbox=lambda: faces.outbox(note),
        mastodon=lambda: faces.mastodon(status=words, spoiler_text="boats", in_reply_to_id=number),
        page=lambda: faces.page(
            f"/compose?reply_to={number}", "/compose", words=words, audience="public"
        ),
    )
    assert theirs["id"] in left["wire"][0]


async def test_a_poll(faces: Faces) -> None:
    ends = faces.instance.clock.now().timestamp() + DAY_S
    options = [{"type": "Note", "name": name} for name in ("Oil", "Water")]
    note = plain("Which?", to=[PUBLIC], anyOf=options) | {"type": "Question"}
    note["endTime"] = datetime.fromtimestamp(ends, UTC).isoformat()
    poll = {"options": ["Oil", "Water"], "expires_in": DAY_S, "multiple": True}
    left = await faces.same_by(
        outbox=lambda: faces.outbox(note),
        mastodon=lambda: faces.mastodon(status="Which?", poll=poll),
        page=lambda: faces.page(
            "/compose", "/compose", words="Which?", audience="public", poll_ends=str(DAY_S),
            poll_multiple="1", **{"answer-1": "Oil", "answer-2": "Water"},
        ),
    )  # fmt: skip
    assert "Question" in left["wire"][0] and left["poll"]


async def test_pictures_with_their_words(faces: Faces) -> None:
    """One with alt text and what must stay in sight; two, marked; described as they are uploaded,
    and as they are posted."""

    async def one_by_outbox() -> None:
        uri = await faces.bring_by_outbox(png(), name="A red square.", focalPoint=[0.5, -0.25])
        await faces.outbox(plain("Look", to=[PUBLIC], attachment=[uri]))

    async def one_told_when_posted() -> None:
        uri = await faces.bring_by_outbox(png())
        picture = {"type": "Image", "id": uri, "name": "A red square.", "focalPoint": [0.5, -0.25]}
        await faces.outbox(plain("Look", to=[PUBLIC], attachment=picture))

    async def one_by_mastodon() -> None:
        number = await faces.bring_by_mastodon(
            png(), description="A red square.", focus="0.5,-0.25"
        )
        await faces.mastodon(status="Look", media_ids=[number])

    left = await faces.same_by(
        outbox=one_by_outbox, posted=one_told_when_posted, mastodon=one_by_mastodon
    )
    assert "A red square." in left["wire"][0] and "[0.5,-0.25]" in left["wire"][0]

    async def two_by_outbox() -> None:
        uris = [await faces.bring_by_outbox(png(colour)) for colour in ("red", "blue")]
        note = plain("", summary="squares", sensitive=True, to=[PUBLIC])
        await faces.outbox({**note, "attachment": [{"type": "Image", "id": uri} for uri in uris]})

    async def two_by_mastodon() -> None:
        numbers = [await faces.bring_by_mastodon(png(colour)) for colour in ("red", "blue")]
        await faces.mastodon(status="", spoiler_text="squares", sensitive=True, media_ids=numbers)

    left = await faces.same_by(outbox=two_by_outbox, mastodon=two_by_mastodon)
    assert left["wire"][0].count('"Image"') == 2


async def test_a_quote(faces: Faces, bob: App) -> None:
    answer = await bob.submit(plain("Ahoy", to=[PUBLIC]))
    quoted = answer.body["object"]["id"]
    number = await faces.number(quoted)
    left = await faces.same_by(
        outbox=lambda: faces.outbox(plain("See", to=[PUBLIC], quote=quoted)),
        mastodon=lambda: faces.mastodon(status="See", quoted_status_id=number),
    )
    assert "quoteAuthorization" in left["wire"][0] and left["quote"]


async def painted(card: Hand, faces: Faces) -> None:
    given = await card.given()
    async with reaches(faces.instance.easel, int(given.painting), "done"):
        await card.finish(given)


async def test_a_picture_is_asked_for_in_the_words(faces: Faces) -> None:
    words = "/imagine a lighthouse --seed 7 --share\nLook! #sea"
    typed = {"words": words, "warning": "height", "audience": "unlisted", "language": ""}
    followers = faces.app.account.followers_uri
    note = plain(words, summary="height", to=[followers], cc=[PUBLIC])
    doors: dict[str, Any] = {
        "outbox": lambda: faces.outbox(note),
        "mastodon": lambda: faces.mastodon(
            status=words, spoiler_text="height", visibility="unlisted"
        ),
        "page": lambda: faces.page("/compose", "/compose", **typed),
        "intent": lambda: faces.page("/intents/create", "/intents/create", **typed),
    }
    made: dict[str, dict[str, Any]] = {}
    async with connected(faces.instance) as card:
        for name in ("warm-up", *doors):

            async def ask_and_wait(name: str = name) -> None:
                await doors.get(name, doors["outbox"])()
                await painted(card, faces)

            made[name] = await faces.left(ask_and_wait)
    expected = made["outbox"]
    assert len(expected["wire"]) == 1 and "AIPromptInformation" in expected["wire"][0]
    for name in doors:
        alike(expected, made[name])


async def test_a_painted_picture_is_posted_by_hand(faces: Faces) -> None:
    async def picture() -> tuple[str, str]:
        """A fresh one that no post has: its id, and its address."""
        asked = {"recipe": {"prompt": "a lighthouse", "seed": 7}}
        made = await faces.app.post("/api/easel/v1/paintings", asked)
        assert made.status == 201, made.body
        await painted(card, faces)
        async with faces.instance.easel.database.read() as session:
            row = await session.get_one(Painting, int(made.body["id"]))
            assert row.media_id is not None
        return str(row.id), f"{faces.app.account.uri}/uploads/{row.media_id}"

    ready: list[tuple[str, str]] = []
    alt = "A lighthouse."

    async def by_outbox() -> None:
        _, uri = ready.pop()
        shown = {"type": "Image", "id": uri, "name": alt}
        await faces.outbox(plain("Look", summary="high", to=[PUBLIC], attachment=shown))

    async def by_mastodon() -> None:
        _, uri = ready.pop()
        number = uri.rpartition("/")[2]
        await faces.app.ask("PUT", f"/api/v1/media/{number}", {"description": alt})
        await faces.mastodon(status="Look", spoiler_text="high", media_ids=[number])

    async def by_studio() -> None:
        number, _ = ready.pop()
        await faces.page(
            f"/studio/{number}", f"/studio/{number}/post",
            text="Look", spoiler_text="high", visibility="public", description=alt,
        )  # fmt: skip

    async with connected(faces.instance) as card:
        made = []
        for door in (by_outbox, by_outbox, by_mastodon, by_studio):
            ready.append(await picture())
            await faces.instance.run_jobs()
            left = await faces.left(door)
            left.pop("painting", None)  # the page keeps what was written until it is posted
            made.append(left)
    _, expected, *others = made
    for found in others:
        alike(expected, found)


async def test_an_edit(faces: Faces) -> None:
    fresh: list[str] = []

    async def begin() -> str:
        note = plain("one #boats", summary="x", to=[PUBLIC])
        uri = await faces.outbox(note)
        await faces.instance.run_jobs()
        return uri

    async def by_outbox() -> None:
        change = {"id": fresh.pop(), "content": "two #ships", "mediaType": "text/plain",
                  "summary": None, "sensitive": True}  # fmt: skip
        answer = await faces.app.submit({"type": "Update", "object": change})
        assert answer.status == 201

    async def by_mastodon() -> None:
        number = await faces.number(fresh.pop())
        asked = {"status": "two #ships", "sensitive": True}
        assert (await faces.app.ask("PUT", f"/api/v1/statuses/{number}", asked)).status == 200

    async def by_page() -> None:
        number = await faces.number(fresh.pop())
        await faces.page(
            f"/compose?edit={number}", f"/posts/{number}/edit",
            words="two #ships", warning="", sensitive="1",
        )  # fmt: skip

    made = []
    for door in (by_outbox, by_outbox, by_mastodon, by_page):
        fresh.append(await begin())
        left = await faces.left(door)
        for part in ("outbox_activity", "job"):  # an app's Update can be read again under its id
            left.pop(part, None)
        made.append(left)
    _, expected, *others = made
    assert len(expected["wire"]) == 1
    for found in others:
        alike(expected, found)
