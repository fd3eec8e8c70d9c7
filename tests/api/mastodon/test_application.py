"""By which app a post was written."""

from __future__ import annotations

from datetime import timedelta

import aiohttp
import pytest
from sqlalchemy import delete, update
from sqlmodel import col

from fedi.api.mastodon import entities
from fedi.database.tables import AccessToken, Application
from fedi.social import applications, statuses
from fedi.social.statuses import Draft
from tests import rig
from tests.api.apps import PUBLIC, App
from tests.api.mastodon.apps import held, nobody, post

PHANPY = entities.StatusApplication(name="Phanpy", website="https://phanpy.example")


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    """By an app that is known."""
    app = await App.of(instance, browser, "alice")
    async with instance.easel.database.write() as tx:
        made = await applications.register(
            tx, "Phanpy", ["https://phanpy.example/"], website="https://phanpy.example"
        )
        await tx.execute(
            update(AccessToken)
            .where(col(AccessToken.account_id) == app.account.id)
            .values(application_id=made.application.id)
        )
    return app


async def test_a_post_says_by_which_app_it_was_written(alice: App) -> None:
    status = await post(alice, "hello")
    assert status.application == PHANPY
    path = f"/api/v1/statuses/{status.id}"
    anybody = nobody(alice.instance, alice.browser, alice)
    assert held(await anybody.get(path), entities.Status).application == PHANPY
    edited = await alice.ask("PUT", path, {"status": "hello again"})
    assert held(edited, entities.Status).application == PHANPY
    boost = held(await alice.post(f"{path}/reblog", {}), entities.Status)
    assert boost.application is None and boost.reblog is not None
    assert boost.reblog.application == PHANPY


async def test_what_no_app_wrote_names_none(alice: App, browser: aiohttp.ClientSession) -> None:
    async with alice.instance.easel.database.write() as tx:
        by_page = await statuses.publish(tx, alice.account, Draft(text="by a page"))
    shown = await alice.get(f"/api/v1/statuses/{by_page.id}")
    assert held(shown, entities.Status).application is None
    bob = await App.of(alice.instance, browser, "bob")  # a token of the command line
    assert (await post(bob, "hi")).application is None


async def test_an_app_of_activitypub_and_a_post_for_later_name_theirs(alice: App) -> None:
    note = {"type": "Note", "content": "<p>by c2s</p>", "to": [PUBLIC]}
    made = await alice.submit({"type": "Create", "object": note, "to": [PUBLIC]})
    assert made.status == 201, made.body
    when = alice.instance.clock.now() + timedelta(minutes=10)
    later = await alice.post(
        "/api/v1/statuses", {"status": "later", "scheduled_at": when.isoformat()}
    )
    assert later.status == 200 and later.body["params"]["application_id"]
    alice.instance.clock.advance(timedelta(minutes=11))
    await alice.instance.run_jobs()
    path = f"/api/v1/accounts/{alice.account.id}/statuses"
    shown = held(await alice.get(path), list[entities.Status])
    assert [one.application for one in shown] == [PHANPY, PHANPY]


async def test_an_app_that_is_forgotten_is_named_no_more(alice: App) -> None:
    status = await post(alice, "hello")
    async with alice.instance.easel.database.write() as tx:
        await tx.execute(delete(Application))
    anybody = nobody(alice.instance, alice.browser, alice)
    shown = held(await anybody.get(f"/api/v1/statuses/{status.id}"), entities.Status)
    assert shown.application is None
