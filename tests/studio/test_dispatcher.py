"""Who gets which picture: with painters on real sockets that do what the test says."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from sqlmodel import select
from websockets.exceptions import ConnectionClosed, InvalidStatus

from fedi.clock import FakeClock
from fedi.database.tables import Account, MediaAttachment, Notification, Status
from fedi.runtime import Easel
from fedi.social import statuses
from fedi.social.statuses import Draft
from fedi.storage import FolderStorage
from fedi.studio import claims, painters, paintings
from fedi.studio.dispatcher import Dispatcher
from generation import protocol, provenance
from generation.protocol import Cancel, Cancelled, Failed, Hello, Leave, Paint, Ready
from generation.recipe import Recipe
from tests import rig
from tests.studio.asking import account, ask, look, reaches
from tests.studio.easel_painter import connected, opened, picture, token_for

PREVIEW = b"\xff\xd8\xff\xe0 a preview"


def dispatcher(instance: rig.Instance) -> Dispatcher:
    return cast(Dispatcher, instance.app.state.dispatcher)


def files(easel: Easel) -> list[Path]:
    return [path for path in easel.settings.media.folder.rglob("*") if path.is_file()]


async def notices(easel: Easel, who: Account) -> list[Notification]:
    async with easel.database.read() as session:
        rows = await session.exec(select(Notification).where(Notification.account_id == who.id))
        return list(rows.all())


async def test_a_picture_is_painted_labelled_and_posted(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    painting = await ask(
        easel,
        alice,
        "a lighthouse",
        seed=42,
        share_recipe=True,
        description="A lighthouse in a storm.",
        draft=Draft(text="Look!", visibility="unlisted"),
    )
    with easel.events.listen([paintings.topic(painting.id)]) as heard:
        async with connected(instance) as card:
            given = await card.given()
            assert (given.painting, given.recipe.prompt, given.recipe.seed) == (
                str(painting.id), "a lighthouse", 42,
            )  # fmt: skip
            assert (await heard.next()).kind == "painting"
            for step in range(1, 5):
                await card.step(given, step, 4, PREVIEW)
                event = await heard.next()
                assert (event.kind, event.data["step"], event.data["steps"]) == (
                    "progress", step, 4,
                )  # fmt: skip
                assert event.data["preview"].startswith("data:image/jpeg;base64,")
            await card.finish(given)
            assert (await heard.next()).kind == "done"

    done = await look(easel, painting)
    assert (done.state, done.step, done.steps, done.error) == ("done", 4, 4, "")
    async with easel.database.read() as session:
        status = await session.get(Status, done.status_id)
        media = await session.get(MediaAttachment, done.media_id)
    assert status is not None and media is not None
    assert status.visibility == "unlisted"
    assert "Look!" in status.content and "AIgenerated" in status.content
    assert media.status_id == status.id
    assert media.digital_source_type == provenance.TRAINED_ALGORITHMIC_MEDIA
    assert (media.ai_system, media.ai_prompt) == ("Flat colours", "a lighthouse")
    assert media.description == "A lighthouse in a storm."
    assert media.file and media.preview_file
    for key in (media.file, media.preview_file):
        said = provenance.read(await easel.storage.read(key))
        assert said.generated and said.creator == f"alice@{instance.domain}"
        assert said.fields["Seed"] == "42"
    assert media.size == await easel.storage.size(media.file)
    assert {str(path.relative_to(easel.settings.media.folder)) for path in files(easel)} == {
        media.file, media.preview_file,
    }  # fmt: skip


async def test_a_painter_goes_on_with_the_model_that_it_has_loaded(
    instance: rig.Instance,
) -> None:
    easel = instance.easel
    alice, bob = await account(easel, "alice"), await account(easel, "bob")
    models = ("test/a", "test/b")
    async with connected(instance, models=models, slots=0) as card:
        asked = [
            await ask(easel, alice, model="test/b"),
            await ask(easel, bob, model="test/a"),
            await ask(easel, alice, model="test/b"),
        ]
        await card.say(Ready(slots=1))
        order = []
        for _ in asked:
            given = await card.given()
            order.append(int(given.painting))
            await card.finish(given)
    first, second, third = [painting.id for painting in asked]
    assert order == [first, third, second]


async def test_a_painter_of_batches_is_given_what_goes_together(instance: rig.Instance) -> None:
    """One batch while it gathers, nothing while it paints, the next from the last step on."""
    easel = instance.easel
    people = [await account(easel, name) for name in ("alice", "bob", "carol")]
    async with connected(instance, slots=0) as card:
        large = [await ask(easel, who, width=512, height=512) for who in people]
        small = await ask(easel, people[0], width=256, height=256, steps=40)
        await card.say(Ready(slots=4, alike=True))
        batch = [await card.given() for _ in large]
        assert {paint.painting for paint in batch} == {str(painting.id) for painting in large}
        await card.say(Ready(slots=0, alike=True))
        for paint in batch:
            await card.step(paint, 1, 2)
        later = await ask(easel, people[1], width=256, height=256, steps=40)
        await card.say(Ready(slots=4, alike=True))  # while all three are still in hand
        assert [(await card.given()).painting for _ in range(2)] == [str(small.id), str(later.id)]
        for paint in batch:
            async with reaches(easel, int(paint.painting), "done"):
                await card.finish(paint)


async def test_two_painters_of_batches_share_what_waits(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    async with connected(instance, "one") as one, connected(instance, "two") as two:
        for card in (one, two):
            await card.say(Ready(slots=4, alike=True))
            await card.socket.ping()
        async with easel.database.write() as tx:  # all four appear at the same moment
            for _ in range(4):
                recipe = Recipe(prompt="a lighthouse")
                await paintings.request(tx, easel.settings.painting, alice, recipe)
        for card in (one, two):
            await card.given()
            await card.given()


async def test_a_recipe_that_is_not_shared_stays_with_its_author(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    painting = await ask(easel, alice, "a secret garden", draft=Draft())
    async with connected(instance) as card:
        given = await card.given()
        async with reaches(easel, painting, "done"):
            await card.finish(given)
    done = await look(easel, painting)
    async with easel.database.read() as session:
        media = await session.get(MediaAttachment, done.media_id)
    assert media is not None and media.file and media.preview_file
    assert media.ai_prompt == ""
    assert media.description == "A picture that Flat colours made. Nobody has described it."
    for key in (media.file, media.preview_file):
        content = await easel.storage.read(key)
        assert provenance.read(content).generated
        assert b"secret" not in content


async def test_without_a_post_the_picture_waits_for_one(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    painting = await ask(easel, alice)
    async with connected(instance) as card, reaches(easel, painting, "done"):
        await card.finish(await card.given())
    done = await look(easel, painting)
    assert done.status_id is None and done.media_id is not None
    async with easel.database.write() as tx:
        status = await statuses.publish(tx, alice, Draft(media_ids=[done.media_id]))
    assert status.ai == "generated"


async def test_a_cancelled_picture_is_stopped_at_once_and_the_painter_goes_on(
    new_database: rig.NewDatabase, tmp_path: Path
) -> None:
    rare = {"lease_s": 3600}  # so that no renewal of leases finds it out instead
    async with rig.serve_instance(tmp_path, new_database(), painting=rare) as instance:
        await cancel_one_of_two(instance)


async def cancel_one_of_two(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    first, second = await ask(easel, alice, draft=Draft()), await ask(easel, alice)
    async with connected(instance) as card:
        given = await card.given()
        async with easel.database.write() as tx:
            await paintings.cancel(tx, first)
        assert await card.hear() == Cancel(painting=given.painting)
        await card.say(Cancelled(painting=given.painting))
        assert (await card.given()).painting == str(second.id)
    gone = await look(easel, first)
    assert (gone.state, gone.status_id, gone.media_id) == ("cancelled", None, None)


async def test_a_picture_that_is_finished_after_it_was_cancelled_is_dropped(
    instance: rig.Instance,
) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    first, second = await ask(easel, alice, draft=Draft()), await ask(easel, alice)
    async with connected(instance) as card:
        given = await card.given()
        async with easel.database.write() as tx:
            await paintings.cancel(tx, first)
        await card.hear()
        await card.finish(given)
        async with reaches(easel, second, "done"):
            await card.finish(await card.given())
    done = await look(easel, second)
    assert (await look(easel, first)).state == "cancelled"
    async with easel.database.read() as session:
        media = (await session.exec(select(MediaAttachment))).all()
    assert [medium.id for medium in media] == [done.media_id]
    assert len(files(easel)) == 2


class Gate(FolderStorage):
    """Files in a folder, each put there only when the test lets it pass."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked = asyncio.Event()
        self.open = asyncio.Event()

    async def put(self, key: str, content: bytes) -> None:
        self.asked.set()
        await self.open.wait()
        await super().put(key, content)


async def test_a_picture_cancelled_while_it_is_stored_leaves_no_files(
    instance: rig.Instance,
) -> None:
    easel = instance.easel
    gate = easel.storage = Gate(easel.settings.media.folder)
    alice = await account(easel, "alice")
    painting = await ask(easel, alice, draft=Draft())
    async with connected(instance) as card:
        await card.finish(await card.given())
        await gate.asked.wait()
        async with easel.database.write() as tx:
            await paintings.cancel(tx, painting)
        gate.open.set()
        await dispatcher(instance).settle()
    assert files(easel) == []
    gone = await look(easel, painting)
    assert (gone.state, gone.media_id, gone.status_id) == ("cancelled", None, None)


async def test_when_a_painter_breaks_off_another_paints_the_same(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    painting = await ask(easel, alice)
    async with connected(instance, "one") as one:
        before = await one.given()
        await one.step(before, 2, 4)
        async with connected(instance, "two") as two:
            await one.die()
            again = await two.given()
            assert again == before  # the same seed, too
            row = await look(easel, painting)
            assert (row.step, row.attempts, row.crashes) == (0, 2, 1)
            async with reaches(easel, painting, "done"):
                await two.finish(again)


async def test_a_picture_that_kills_its_painters_fails_in_words(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    painting = await ask(easel, alice, draft=Draft(text="hello"))
    async with reaches(easel, painting, "failed"):
        for _ in range(3):
            async with connected(instance) as card:
                assert (await card.given()).painting == str(painting.id)
                await card.die()
    failed = await look(easel, painting)
    assert "3 times" in failed.error
    [notice] = await notices(easel, alice)
    assert (notice.type, notice.painting_id) == ("painting_failed", painting.id)
    async with easel.database.read() as session:
        assert (await session.exec(select(Status))).all() == []


async def test_a_painter_that_leaves_is_not_blamed(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    painting = await ask(easel, alice)
    for _ in range(5):
        async with reaches(easel, painting, "queued"), connected(instance) as card:
            await card.given()
    row = await look(easel, painting)
    assert (row.state, row.crashes, row.attempts) == ("queued", 0, 5)


async def test_two_painters_share_the_work(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    asked = [await ask(easel, alice, f"number {number}") for number in range(5)]
    async with connected(instance, "one") as one, connected(instance, "two", slots=2) as two:
        first = [await one.given(), await two.given(), await two.given()]
        assert {given.painting for given in first} == {str(painting.id) for painting in asked[:3]}
        async with reaches(easel, int(first[1].painting), "done"):
            await two.finish(first[1])
        assert (await two.given()).painting == str(asked[3].id)
        async with reaches(easel, int(first[0].painting), "done"):
            await one.finish(first[0])
        assert (await one.given()).painting == str(asked[4].id)


async def test_a_painter_gets_only_what_it_can_paint(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    async with connected(instance, models=("test/usual", "test/special")) as card:
        # Known models are those of painters that were here.
        given = None
        await ask(easel, alice)
        given = await card.given()
        assert given.recipe.model == ""
        special = await ask(easel, alice, model="test/special")
        async with reaches(easel, int(given.painting), "done"):
            await card.finish(given)
        given = await card.given()
        assert (given.painting, given.recipe.model) == (str(special.id), "test/special")


async def test_what_a_painter_cannot_do_is_told_to_the_author(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    painting = await ask(easel, alice)
    async with connected(instance) as card:
        given = await card.given()
        async with reaches(easel, painting, "failed"):
            await card.say(Failed(painting=given.painting, reason="The card is too small."))
    assert (await look(easel, painting)).error == "The card is too small."
    assert [notice.type for notice in await notices(easel, alice)] == ["painting_failed"]


async def test_what_may_go_better_is_tried_again_but_not_for_ever(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    painting = await ask(easel, alice)
    async with connected(instance) as card:
        given = await card.given()
        await card.say(Failed(painting=given.painting, reason="A download broke.", retry=True))
        given = await card.given()
        await card.finish(given, b"<html>this is no picture</html>")
        given = await card.given()
        async with reaches(easel, painting, "failed"):
            await card.say(Failed(painting=given.painting, reason="A download broke.", retry=True))
    assert (await look(easel, painting)).error == "A download broke."
    assert files(easel) == []


async def test_who_drops_what_nobody_cancelled_is_not_given_it_for_ever(
    instance: rig.Instance,
) -> None:
    easel = instance.easel
    painting = await ask(easel, await account(easel, "alice"))
    async with connected(instance) as card, reaches(easel, painting, "failed", seconds=20):
        for _ in range(3):
            await card.say(Cancelled(painting=(await card.given()).painting))
    assert "nobody had asked" in (await look(easel, painting)).error


async def test_a_broken_painter_costs_no_picture_that_another_can_paint(
    instance: rig.Instance,
) -> None:
    """Each goes to the other after one try, and who brings nothing rests for a while."""
    easel = instance.easel
    people = [await account(easel, name) for name in ("alice", "bob", "carol", "dave")]
    token = await token_for(instance, "broken")
    hello = Hello(name="broken", device="cpu", models=("test/flat",))
    async with connected(instance, "good") as good, opened(instance, token) as broken:
        held = await ask(easel, people[0])
        kept = await good.given()
        await broken.say(hello)
        await broken.say(Ready(slots=1))
        asked = [await ask(easel, who) for who in people[1:]]
        for number, painting in enumerate(asked):
            given = await broken.given()
            assert given.painting == str(painting.id)
            if number:
                await broken.finish(given, b"<html>this is no picture</html>")
            else:
                await broken.say(Failed(painting=given.painting, reason="Out of it.", retry=True))
        with pytest.raises(ConnectionClosed) as closed:
            await broken.hear()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1013
        for painting in (held, *asked):
            assert kept.painting == str(painting.id)
            async with reaches(easel, painting, "done"):
                await good.finish(kept)
            if painting is not asked[-1]:
                kept = await good.given()
        assert [(await look(easel, one)).crashes for one in asked] == [1, 1, 1]
    async with opened(instance, token) as early:
        with pytest.raises(ConnectionClosed):
            await early.hear()
    instance.clock.advance(timedelta(seconds=5))
    async with opened(instance, token) as rested:
        await rested.say(hello)
        await rested.say(Ready(slots=1))
        last = await ask(easel, people[0])
        assert (await rested.given()).painting == str(last.id)


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_what_one_account_asks_for_in_vain_keeps_the_painter_from_nobody(
    instance: rig.Instance,
) -> None:
    easel = instance.easel
    mallory, alice = await account(easel, "mallory"), await account(easel, "alice")
    async with connected(instance) as only:
        for _ in range(4):
            painting = await ask(easel, mallory)
            async with reaches(easel, painting, "failed"):
                for _ in range(claims.MAX_CRASHES):
                    given = await only.given()
                    assert given.painting == str(painting.id)
                    reason = "There is too little memory at this size."
                    await only.say(Failed(painting=given.painting, reason=reason, retry=True))
        painting = await ask(easel, alice)
        async with reaches(easel, painting, "done"):
            await only.finish(await only.given())


async def test_a_post_that_cannot_be_made_any_more_does_not_cost_the_picture(
    instance: rig.Instance,
) -> None:
    easel = instance.easel
    alice, bob = await account(easel, "alice"), await account(easel, "bob")
    async with easel.database.write() as tx:
        parent = await statuses.publish(tx, bob, Draft(text="Show me!"))
    painting = await ask(easel, alice, draft=Draft(text="@bob here", in_reply_to_id=parent.id))
    async with connected(instance) as card:
        given = await card.given()
        async with easel.database.write() as tx:
            await statuses.delete(tx, parent)
        async with reaches(easel, painting, "failed"):
            await card.finish(given)
    failed = await look(easel, painting)
    assert failed.error.startswith("The picture is painted, but could not be posted: ")
    assert failed.media_id is not None and failed.status_id is None
    async with easel.database.read() as session:
        left = (await session.exec(select(Status).where(Status.account_id == alice.id))).all()
        media = await session.get(MediaAttachment, failed.media_id)
    assert left == []
    assert media is not None and media.status_id is None
    assert [notice.type for notice in await notices(easel, alice)] == ["painting_failed"]
    assert await notices(easel, bob) == []


async def test_a_connection_is_a_sign_of_life(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    painting = await ask(easel, alice)
    async with connected(instance) as card:
        await card.given()
        for _ in range(3):
            instance.clock.advance(timedelta(seconds=easel.settings.painting.lease_s * 2))
            await dispatcher(instance).tend()
        row = await look(easel, painting)
        assert (row.state, row.attempts) == ("painting", 1)
        assert row.lease_until is not None and row.lease_until > instance.clock.now()


async def test_what_a_killed_server_was_painting_is_painted_again(
    new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock
) -> None:
    url = new_database()
    async with rig.opened(rig.settings_for(tmp_path, url), clock) as easel:
        alice = await account(easel, "alice")
        painting = await ask(easel, alice)
        async with easel.database.write() as tx:  # as it stands when the process is gone
            await painters.issue_token(tx, "card")
            [card] = await painters.list_painters(tx)
            taken = await claims.take(tx, card.id, (), timedelta(seconds=60))
            assert taken is not None and taken.id == painting.id
    if not url.startswith("sqlite"):  # another process might still have it
        clock.advance(timedelta(seconds=61))
    async with (
        rig.serve_instance(tmp_path, url, clock=clock) as instance,
        connected(instance) as hand,
    ):
        assert (await hand.given()).painting == str(painting.id)


async def test_a_stranger_is_not_let_in(instance: rig.Instance) -> None:
    for token in ("wrong", "", "x" * 5000):
        with pytest.raises(InvalidStatus) as refusal:
            async with opened(instance, token):
                pass
        assert refusal.value.response.status_code == 401
        assert "www-authenticate" in refusal.value.response.headers


NOT_THE_PROTOCOL: list[list[str | bytes]] = [
    [protocol.encode(Ready(slots=1))],
    ["hello"],
    [b"\xff\xff\xff\xff{}"],
    [b"\0\0"],
    [protocol.encode(Hello(name="a", device="cpu", models=())), "{}"],
    [protocol.encode(Hello(name="a", device="cpu", models=()))] * 2,
    [
        protocol.encode(Hello(name="a", device="cpu", models=())),
        protocol.encode(Failed(painting="1", reason="not mine")),
    ],
    [
        protocol.encode(Hello(name="a", device="cpu", models=())),
        protocol.encode(Failed(painting="\0 or 1=1", reason="not mine")),
    ],
]


async def test_who_does_not_keep_to_the_protocol_is_shown_the_door(
    instance: rig.Instance,
) -> None:
    token = await token_for(instance, "odd")
    for frames in NOT_THE_PROTOCOL:
        async with opened(instance, token) as odd:
            for frame in frames:
                await odd.socket.send(frame)
            with pytest.raises(ConnectionClosed) as closed:
                await odd.hear()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1002


async def test_a_painter_of_another_time_is_sent_away_in_words(instance: rig.Instance) -> None:
    async with opened(instance, await token_for(instance, "old")) as old:
        await old.say(Hello(name="old", device="cpu", models=(), version=0))
        answer = await old.hear()
        assert isinstance(answer, Leave) and "older" in answer.reason


async def test_a_picture_that_was_given_is_not_taken_twice(instance: rig.Instance) -> None:
    """Handing out and asking at once: each picture goes to exactly one painter."""
    easel = instance.easel
    people = [await account(easel, name) for name in ("alice", "bob", "carol")]
    async with (
        connected(instance, "one", slots=4) as one,
        connected(instance, "two", slots=4) as two,
    ):
        asked = {
            str((await ask(easel, people[number % 3], f"number {number}")).id)
            for number in range(8)
        }
        given: list[Paint] = []
        for _ in range(4):
            given += [await one.given(), await two.given()]
    assert sorted(paint.painting for paint in given) == sorted(asked)


async def test_the_largest_picture_fits_into_a_frame(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    painting = await ask(easel, alice)
    async with connected(instance) as card:
        given = await card.given()
        async with reaches(easel, painting, "done"):
            await card.finish(given, picture(2048, 2048) + bytes(17 * 1024 * 1024))


async def test_it_stops_in_the_very_moment_in_which_something_happens(easel: Easel) -> None:
    for ticks in range(3):
        dispatcher = Dispatcher(easel)
        await dispatcher.start()
        wake = dispatcher._wake
        await rig.until(lambda wake=wake: wake._waiters)  # it has looked, and waits
        wake.set()
        for _ in range(ticks):
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await dispatcher.stop()
