"""What a classifier's score does to a picture, and what a moderator does to one that waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlmodel import select

from fedi.cli import doctor
from fedi.database.tables import Account, MediaAttachment, Notification, Painting, Status
from fedi.runtime import Easel
from fedi.settings import SafetySettings
from fedi.social import accounts, statuses
from fedi.social.errors import Invalid, NotFound
from fedi.social.statuses import Draft
from fedi.studio import paintings, reviews, standing, verdicts
from fedi.studio.verdicts import Verdict
from generation import minors, provenance
from generation.protocol import Judgement
from generation.recipe import Recipe
from tests import rig
from tests.api.apps import App
from tests.studio.asking import account, ask, look, reaches
from tests.studio.easel_painter import connected

STRICT = {"sensitive_at": 0.3, "review_at": 0.6, "refuse_at": 0.9}


def judged(score: float) -> Judgement:
    return Judgement(score=score, scores={"nsfw": score, "normal": 1 - score}, model="Tiny")


async def painted(
    instance: rig.Instance, who: Account, judgement: Judgement | None, state: str, **asked: Any
) -> Painting:
    """A picture that was painted, judged so, and is now in that state."""
    painting = await ask(instance.easel, who, **asked)
    async with connected(instance) as card:
        given = await card.given()
        async with reaches(instance.easel, painting, state):
            await card.finish(given, judgement=judgement)
    return await look(instance.easel, painting)


async def notices(easel: Easel, who: Account) -> list[str]:
    async with easel.database.read() as session:
        rows = await session.exec(
            select(Notification.type)
            .where(Notification.account_id == who.id)
            .order_by(Notification.id)  # type: ignore[arg-type]
        )
        return list(rows.all())


async def media_of(easel: Easel, painting: Painting) -> MediaAttachment:
    async with easel.database.read() as session:
        found = await session.get(MediaAttachment, painting.media_id)
        assert found is not None
        return found


def files(easel: Easel) -> list[Path]:
    return [path for path in easel.settings.media.folder.rglob("*") if path.is_file()]


@pytest.fixture
async def strict(new_database: rig.NewDatabase, tmp_path: Path) -> Any:
    words = {"local": False, "sensitive_words": ["blood", "Klinge"], "blocked_words": ["gun"]}
    async with rig.serve_instance(
        tmp_path, new_database(), safety=STRICT, painting=words
    ) as instance:
        yield instance


@pytest.mark.parametrize(
    ("score", "verdict"),
    [
        (0.0, Verdict.SHOW),
        (0.29, Verdict.SHOW),
        (0.3, Verdict.MARK),
        (0.6, Verdict.HOLD),
        (0.95, Verdict.REFUSE),
        (float("nan"), Verdict.REFUSE),
    ],
)
def test_the_strictest_threshold_decides(score: float, verdict: Verdict) -> None:
    settings = SafetySettings.model_validate(STRICT)
    assert verdicts.of(settings, Judgement(score=score)) is verdict


def test_a_threshold_of_zero_is_none_and_unjudged_pictures_are_shown_unless_the_host_says() -> None:
    nothing = SafetySettings.model_validate({"sensitive_at": 0})
    assert verdicts.of(nothing, Judgement(score=1.0)) is Verdict.SHOW
    assert verdicts.of(nothing, None) is Verdict.SHOW
    for careful in ({"review_unjudged": True}, {"review_at": 0.9}, {"refuse_at": 0.9}):
        assert verdicts.of(SafetySettings.model_validate(careful), None) is Verdict.HOLD


async def test_a_picture_is_marked_by_its_score_or_its_words(strict: rig.Instance) -> None:
    easel = strict.easel
    alice = await account(easel, "alice")
    harmless = await painted(strict, alice, judged(0.1), "done", draft=Draft(text="a"))
    scored = await painted(strict, alice, judged(0.5), "done", draft=Draft(text="b"))
    worded = await painted(
        strict, alice, judged(0.0), "done", prompt="BLOOD on a ｋｌｉｎｇｅ", draft=Draft()
    )
    unposted = await painted(strict, alice, judged(0.5), "done")
    assert scored.judgement == {
        "score": 0.5, "scores": {"nsfw": 0.5, "normal": 0.5}, "model": "Tiny",
    }  # fmt: skip
    async with easel.database.write() as tx:  # also if it is posted later, by another way
        later = await statuses.publish(tx, alice, Draft(media_ids=[unposted.media_id or 0]))
    async with easel.database.read() as session:
        marked = [
            (await session.get_one(Status, one.status_id)).sensitive
            for one in (harmless, scored, worded)
        ]
    assert [*marked, later.sensitive] == [False, True, True, True]
    async with easel.database.write() as tx:  # its author cannot take that back
        current = await session_status(tx, later.id)
        edited = await statuses.edit(tx, alice, current, Draft(text="all fine"))
    assert edited.sensitive


async def session_status(tx: Any, status_id: int) -> Status:
    status = await tx.get(Status, status_id)
    assert isinstance(status, Status)
    return status


async def test_words_refuse_before_anything_is_painted(strict: rig.Instance) -> None:
    alice = await account(strict.easel, "alice")
    with pytest.raises(Invalid, match="because of the word “gun”"):
        await ask(strict.easel, alice, "a G.U.N")
    with pytest.raises(Invalid) as refusal:
        await ask(strict.easel, alice, "n u d e  ch1ldren")
    assert str(refusal.value) == minors.SENTENCE


async def test_a_refused_picture_is_not_kept_and_its_author_is_told(strict: rig.Instance) -> None:
    alice = await account(strict.easel, "alice")
    failed = await painted(strict, alice, judged(0.95), "failed", draft=Draft(text="x"))
    assert failed.error == verdicts.REFUSED
    assert await notices(strict.easel, alice) == ["painting_failed"]
    assert files(strict.easel) == []


async def test_a_held_picture_is_seen_by_its_author_and_moderators_only(
    strict: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    easel = strict.easel
    alice = await App.of(strict, browser, "alice")
    bob = await App.of(strict, browser, "bob")
    async with easel.database.write() as tx:
        await accounts.create_local(tx, "carol", password="a long password", role="moderator")
    mod = await App.of(strict, browser, "carol", scopes="read write admin:read admin:write")
    held = await painted(strict, alice.account, judged(0.7), "review", draft=Draft(text="x"))
    assert await notices(easel, alice.account) == ["painting_held"]

    async with easel.database.read() as session:
        assert (await session.exec(select(Status))).all() == []
        assert (await session.exec(select(MediaAttachment))).all() == []
        assert await standing.position(session, held) is None
    for path in files(easel):  # no address leads to its files
        key = path.relative_to(easel.settings.media.folder).as_posix()
        assert (await bob.get(f"/media/{key}")).status == 404
    assert len(files(easel)) == 2

    shown = (await alice.get(f"/api/easel/v1/paintings/{held.id}")).body
    assert (shown["state"], shown["media"]) == ("review", None)
    for who, status in ((alice, 200), (mod, 200), (bob, 404)):
        seen = await who.get(shown["held"]["url"])
        assert seen.status == status
        if status == 200:
            assert seen.body.startswith(b"\x89PNG")
            assert seen.headers["Cache-Control"] == "private, no-store"
            assert provenance.read(seen.body).generated

    reviews_path = "/api/easel/v1/reviews"
    assert (await bob.get(reviews_path)).status == 403
    forged = await App.of(strict, browser, "bob", scopes="read write admin:read admin:write")
    assert (await forged.get(reviews_path)).error == "This is for moderators."
    [waiting] = (await mod.get(reviews_path)).body
    assert (waiting["id"], waiting["account"], waiting["score"]) == (str(held.id), "alice", 0.7)
    assert (await forged.post(f"{reviews_path}/{held.id}/approve", {})).status == 403

    approved = await mod.post(f"{reviews_path}/{held.id}/approve", {})
    assert (approved.status, approved.body["state"]) == (200, "done")
    assert (await mod.post(f"{reviews_path}/{held.id}/approve", {})).status == 404
    assert (await mod.get(reviews_path)).body == []
    done = (await alice.get(f"/api/easel/v1/paintings/{held.id}")).body
    assert (done["state"], done["held"]) == ("done", None)
    assert (await bob.get(done["media"]["url"])).status == 200
    async with easel.database.read() as session:
        [status] = (await session.exec(select(Status))).all()
    assert status.sensitive and status.account_id == alice.account.id
    assert await notices(easel, alice.account) == ["painting_held", "painting_approved"]
    await strict.run_jobs()
    assert len(files(easel)) == 2  # the held ones are gone


async def test_an_approved_picture_is_marked_as_the_moderator_says(strict: rig.Instance) -> None:
    alice = await account(strict.easel, "alice")
    held = await painted(strict, alice, judged(0.7), "review", draft=Draft(text="x"))
    assert held.sensitive
    await reviews.approve(strict.easel, held.id, sensitive=False)
    assert not (await media_of(strict.easel, await look(strict.easel, held))).sensitive


async def test_a_moderator_refuses_in_words(strict: rig.Instance) -> None:
    easel = strict.easel
    alice = await account(easel, "alice")
    held = await painted(strict, alice, judged(0.7), "review", draft=Draft(text="x"))
    async with easel.database.write() as tx:
        await reviews.refuse(tx, held.id, "It shows a real person.")
    gone = await look(easel, held)
    assert (gone.state, gone.held, gone.status_id) == ("failed", None, None)
    assert gone.error.endswith("did not let it be shown: It shows a real person.")
    assert await notices(easel, alice) == ["painting_held", "painting_refused"]
    await strict.run_jobs()
    assert files(easel) == []
    with pytest.raises(NotFound):
        await reviews.approve(easel, held.id)
    assert files(easel) == []


async def test_an_author_withdraws_a_picture_that_waits(strict: rig.Instance) -> None:
    easel = strict.easel
    alice = await account(easel, "alice")
    held = await painted(strict, alice, judged(0.7), "review")
    async with easel.database.write() as tx:
        gone = await paintings.cancel(tx, held)
    assert gone.state == "cancelled"
    await strict.run_jobs()
    assert files(easel) == []


async def test_a_review_on_the_command_line(new_database: rig.NewDatabase, tmp_path: Path) -> None:
    url = new_database()
    async with rig.serve_instance(
        tmp_path, url, safety=STRICT, media={"folder": tmp_path / "host" / "media"}
    ) as instance:
        server = rig.ServerProcess(
            tmp_path / "host", instance={"url": instance.url}, database={"url": url}
        )
        alice = await account(instance.easel, "alice")
        first = await painted(instance, alice, judged(0.7), "review", prompt="a lighthouse")
        second = await painted(instance, alice, judged(0.8), "review", prompt="another")
        [finding] = [found async for found in doctor.check_reviews(instance.easel)]
        assert finding.message.startswith("2 pictures wait for a moderator: `easel review list`")
    listed = await server.easel("review", "list")
    assert all(word in listed for word in (str(first.id), str(second.id), "0.70", "alice"))
    file = tmp_path / "it.png"
    await server.easel("review", "save", str(first.id), str(file))
    assert file.read_bytes().startswith(b"\x89PNG")
    said = await server.easel("review", "approve", str(first.id))
    assert said == f"The picture {first.id} is shown, marked sensitive. Its author is told."
    said = await server.easel("review", "refuse", str(second.id), "--reason", "No.")
    assert "is refused and removed" in said
    assert await server.easel("review", "list") == "No picture waits for a review."


async def test_of_several_the_one_with_the_draft_is_named(strict: rig.Instance) -> None:
    easel = strict.easel
    alice = await account(easel, "alice")
    async with easel.database.write() as tx:
        first, second = await paintings.request_several(
            tx,
            easel.settings.painting,
            alice,
            Recipe(prompt="a lighthouse").times(2),
            draft=Draft(text="x"),
        )
    async with connected(strict) as card:
        for painting, score, state in ((first, 0.1, "done"), (second, 0.7, "review")):
            given = await card.given()
            async with reaches(easel, painting, state):
                await card.finish(given, judgement=judged(score))
    await reviews.approve(easel, second.id)
    async with easel.database.read() as session:
        told = (await session.exec(select(Notification))).all()
    assert {notice.type for notice in told} == {"painting_held", "painting_approved"}
    assert {notice.painting_id for notice in told} == {first.id}
    assert (await look(easel, first)).status_id is not None


async def test_a_held_picture_whose_files_are_gone_can_only_be_refused(
    strict: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    easel = strict.easel
    alice = await account(easel, "alice")
    async with easel.database.write() as tx:
        await accounts.create_local(tx, "carol", password="a long password", role="moderator")
    mod = await App.of(strict, browser, "carol", scopes="read write admin:read admin:write")
    held = await painted(strict, alice, judged(0.7), "review", draft=Draft(text="x"))
    for path in files(easel):
        path.unlink()
    path = f"/api/easel/v1/reviews/{held.id}"
    shown = (await mod.get("/api/easel/v1/reviews")).body[0]
    for answer in (await mod.post(f"{path}/approve", {}), await mod.get(shown["url"])):
        assert (answer.status, "can only be refused" in answer.error) == (422, True), answer.body
    assert (await mod.post(f"{path}/refuse", {})).status == 200
    assert await notices(easel, alice) == ["painting_held", "painting_refused"]
