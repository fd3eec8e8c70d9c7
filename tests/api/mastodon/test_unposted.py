"""Pictures of ours that no post shows any more go from the storage, and none too early."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import aiohttp
import pytest

from fedi.clock import FakeClock
from fedi.database.tables import Account
from fedi.social import accounts, scheduling, statuses
from fedi.social.drafts import Draft
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import post
from tests.api.mastodon.test_scheduled import in_, later
from tests.api.mastodon.test_timelines import upload
from tests.api.test_paintings import PATH, RECIPE
from tests.studio.asking import reaches
from tests.studio.easel_painter import connected

DAY = timedelta(days=1)


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


async def uploaded(app: App) -> tuple[str, list[str]]:
    """The id of a picture, and where its files are."""
    made = (await upload(app)).body
    return made["id"], [made["url"], made["preview_url"]]


async def there(app: App, addresses: list[str]) -> bool:
    found = {(await app.get(address)).status for address in addresses}
    assert len(found) == 1 and found <= {200, 404}, found
    return found == {200}


async def test_the_pictures_of_a_deleted_post_go_after_a_day(
    instance: rig.Instance, alice: App, clock: FakeClock
) -> None:
    picture, files = await uploaded(alice)
    status = await post(alice, "look", media_ids=[picture])
    clock.advance(30 * DAY)
    await instance.run_jobs()
    assert await there(alice, files)
    await alice.ask("DELETE", f"/api/v1/statuses/{status.id}")
    clock.advance(DAY - timedelta(minutes=1))
    await instance.run_jobs()
    assert await there(alice, files)
    again = await post(alice, "look again", media_ids=[picture])
    clock.advance(2 * DAY)
    await instance.run_jobs()
    assert await there(alice, files)  # posted anew
    await alice.ask("DELETE", f"/api/v1/statuses/{again.id}")
    clock.advance(DAY)
    await instance.run_jobs()
    assert not await there(alice, files)
    assert (await alice.get(f"/api/v1/media/{picture}")).status == 404


async def test_what_an_edit_took_out_goes_with_its_post(
    instance: rig.Instance, alice: App, clock: FakeClock
) -> None:
    (picture, files), (other, others) = await uploaded(alice), await uploaded(alice)
    status = await post(alice, "look", media_ids=[picture, other])
    clock.advance(2 * DAY)
    await instance.run_jobs()
    path = f"/api/v1/statuses/{status.id}"
    assert (await alice.ask("PUT", path, {"status": "no", "media_ids": []})).status == 200
    again = await post(alice, "this one is needed", media_ids=[other])
    clock.advance(2 * DAY)
    await instance.run_jobs()
    assert await there(alice, files)  # what the post was before shows it
    await alice.ask("DELETE", path)
    clock.advance(DAY)
    await instance.run_jobs()
    assert not await there(alice, files)
    assert await there(alice, others)
    shown = (await alice.get(f"/api/v1/statuses/{again.id}")).body["media_attachments"]
    assert [medium["id"] for medium in shown] == [other]


async def test_what_was_uploaded_and_never_posted_goes(
    instance: rig.Instance, alice: App, clock: FakeClock
) -> None:
    _, files = await uploaded(alice)
    clock.advance(DAY)
    await instance.run_jobs()
    assert not await there(alice, files)


async def test_what_a_later_post_will_show_stays(
    instance: rig.Instance, alice: App, clock: FakeClock
) -> None:
    picture, files = await uploaded(alice)
    made = await later(alice, in_(clock, days=3), media_ids=[picture])
    for _ in range(2):
        clock.advance(DAY)
        await instance.run_jobs()
        assert await there(alice, files)
    await alice.ask("DELETE", f"/api/v1/scheduled_statuses/{made.id}")
    clock.advance(DAY)
    await instance.run_jobs()
    assert not await there(alice, files)


@pytest.mark.parametrize("later_", [True, False])
async def test_what_is_posted_or_scheduled_at_that_moment_stays(
    instance: rig.Instance, alice: App, clock: FakeClock, later_: bool
) -> None:
    picture, files = await uploaded(alice)
    clock.advance(DAY)
    draft = Draft(text="look", media_ids=[int(picture)])
    async with instance.easel.database.write() as tx:
        author = await tx.get_one(Account, alice.account.id)
        if later_:
            await scheduling.add(tx, author, draft, clock.now() + DAY)
        else:
            await statuses.publish(tx, author, draft)
        cleaning = asyncio.create_task(instance.run_jobs())
        await rig.somebody_waits(instance.easel.database)
    await cleaning
    await instance.run_jobs()
    assert await there(alice, files)
    assert (await alice.get(f"/api/v1/media/{picture}")).status == 200


async def test_all_pictures_of_a_deleted_account_go_at_once(
    instance: rig.Instance, alice: App
) -> None:
    picture, files = await uploaded(alice)
    await post(alice, "look", media_ids=[picture])
    painting = (await alice.post(PATH, {"recipe": RECIPE})).body
    async with connected(instance) as card, reaches(instance.easel, int(painting["id"]), "done"):
        await card.finish(await card.given())
    painted = (await alice.get(f"{PATH}/{painting['id']}")).body["media"]
    files += [painted["url"], painted["preview_url"]]
    await instance.run_jobs()
    assert await there(alice, files)
    async with instance.easel.database.write() as tx:
        await accounts.delete_account(tx, await tx.get_one(Account, alice.account.id))
    await instance.run_jobs()
    alice.token = None
    assert not await there(alice, files)


async def test_a_painted_picture_stays_with_its_painting(
    instance: rig.Instance, alice: App, clock: FakeClock
) -> None:
    painting = (await alice.post(PATH, {"recipe": RECIPE})).body
    async with connected(instance) as card, reaches(instance.easel, int(painting["id"]), "done"):
        await card.finish(await card.given())
    media = (await alice.get(f"{PATH}/{painting['id']}")).body["media"]
    status = await post(alice, "look", media_ids=[media["id"]])
    await alice.ask("DELETE", f"/api/v1/statuses/{status.id}")
    clock.advance(2 * DAY)
    await instance.run_jobs()
    assert await there(alice, [media["url"]])
