"""`/api/v1/admin/accounts`: found, let in, and what is done to them, end to end."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from sqlmodel import select

from fedi.api.mastodon import entities
from fedi.database.tables import Account, AuditEntry, Job, Login, Report
from fedi.social import accounts, registration, reports
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held, nobody, post
from tests.api.oauth.person import PASSWORD, at, join

PATH = "/api/v1/admin/accounts"
FOUND = list[entities.AdminAccount]


def one(app: App, end: str = "") -> str:
    return f"{PATH}/{app.account.id}{end}"


async def shown(ada: App, app: App) -> entities.AdminAccount:
    found: entities.AdminAccount = held(await ada.get(one(app)), entities.AdminAccount)
    return found


async def names(ada: App, path: str) -> list[str]:
    return [found.account.acct for found in held(await ada.get(path), FOUND)]


async def remote(instance: rig.Instance, name: str = "sam") -> Account:
    async with instance.easel.database.write() as tx:
        account = Account(
            id=tx.new_id(),
            username=name,
            domain="far.example",
            handle=f"{name}@far.example",
            uri=f"https://far.example/users/{name}",
            inbox_uri=f"https://far.example/users/{name}/inbox",
            created_at=tx.now,
            updated_at=tx.now,
        )
        tx.add(account)
    return account


async def waiting(instance: rig.Instance, name: str = "newbie") -> Account:
    """Somebody who has confirmed their address, and waits."""
    async with instance.easel.database.write() as tx:
        account = await accounts.add_person(tx, name)
        account.suspended_at = tx.now
        tx.add_all(
            [
                account,
                Login(
                    account_id=account.id,
                    email=f"{name}@mail.example",
                    reason="I paint.",
                    address="192.0.2.7",
                    created_at=tx.now,
                    confirmed_at=tx.now,
                ),
            ]
        )
    return account


async def test_accounts_are_found_by_what_they_are(
    instance: rig.Instance, ada: App, max_: App, alice: App, bob: App
) -> None:
    await remote(instance)
    await waiting(instance)
    for action, app in (("silence", alice), ("suspend", bob)):
        assert (await ada.post(one(app, "/action"), {"type": action})).status == 200
    everybody = {"ada", "max", "alice", "bob", "newbie", "sam@far.example"}
    second = "/api/v2/admin/accounts"
    for path, expected in (
        (PATH, everybody),
        (f"{PATH}?local=true", everybody - {"sam@far.example"}),
        (f"{PATH}?remote=true", {"sam@far.example"}),
        (f"{PATH}?pending=true", {"newbie"}),
        (f"{PATH}?silenced=1", {"alice"}),
        (f"{PATH}?suspended=1", {"bob"}),
        (f"{PATH}?active=1&local=1", {"ada", "max"}),
        (f"{PATH}?staff=true", {"ada", "max"}),
        (f"{PATH}?username=AL", {"alice"}),
        (f"{PATH}?username=%25", set()),
        (f"{PATH}?by_domain=far.example", {"sam@far.example"}),
        (f"{PATH}?email=newbie@", {"newbie"}),
        (f"{PATH}?ip=192.0.2.7", {"newbie"}),
        (f"{second}?origin=remote", {"sam@far.example"}),
        (f"{second}?status=pending", {"newbie"}),
        (f"{second}?status=suspended", {"bob"}),
        (f"{second}?permissions=staff", {"ada", "max"}),
        (f"{second}?role_ids[]=2", {"max"}),
        (f"{second}?invited_by=7", set()),
    ):
        assert set(await names(ada, path)) == expected, path
    answer = await ada.get(f"{PATH}?limit=2")
    older = answer.headers["Link"].partition(">")[0].removeprefix(f"<{instance.url}")
    assert len(answer.body) == 2 and not set(await names(ada, older)) & {
        entry["username"] for entry in answer.body
    }


async def test_who_waits_is_let_in_or_turned_away(
    instance: rig.Instance, ada: App, alice: App
) -> None:
    first, second = await waiting(instance), await waiting(instance, "other")
    found = held(await ada.get(f"{PATH}/{first.id}"), entities.AdminAccount)
    assert (found.confirmed, found.approved, found.suspended) == (True, False, False)
    assert (found.invite_request, found.ip) == ("I paint.", "192.0.2.7")
    refused = await ada.post(f"{PATH}/{first.id}/action", {"type": "suspend"})
    assert refused.status == 422
    found = held(await ada.post(f"{PATH}/{first.id}/approve"), entities.AdminAccount)
    assert found.approved
    assert (await alice.get("/api/v1/accounts/lookup?acct=newbie")).status == 200
    told = (await ada.get("/api/v1/notifications")).body
    assert [(one["type"], one["account"]["acct"]) for one in told] == [("admin.sign_up", "newbie")]
    assert (await ada.post(f"{PATH}/{first.id}/approve")).status == 403
    assert (await ada.post(f"{PATH}/{first.id}/reject")).status == 403
    found = held(await ada.post(f"{PATH}/{second.id}/reject"), entities.AdminAccount)
    assert found.username == "other"
    assert (await ada.get(f"{PATH}/{second.id}")).status == 404
    async with instance.easel.database.read() as session:
        assert not await registration.waits(session, await session.get_one(Account, first.id))


async def test_who_is_suspended_is_seen_by_nobody_and_may_do_nothing_until_that_is_taken_back(
    instance: rig.Instance, browser: aiohttp.ClientSession, ada: App, alice: App
) -> None:
    account = await join(instance, "mallory", email="m@mail.example")
    mallory = await App.of(instance, browser, "mallory")
    posted = await post(mallory, "Look!")
    anybody = nobody(instance, browser, alice)
    ways = (
        f"/api/v1/statuses/{posted.id}",
        f"/api/v1/accounts/{account.id}",
        "/@mallory",
        f"/@mallory/{posted.id}",
        f"/.well-known/webfinger?resource=acct:mallory@{instance.domain}",
    )

    async def seen() -> set[int]:
        found = set()
        for path in ways:
            async with browser.get(instance.url + path, headers={"Accept": "*/*"}) as answer:
                found.add(answer.status)
        return found

    async with at(instance) as visitor:
        await visitor.sign_in("mallory")
        assert await seen() == {200}
        acting = {"type": "suspend", "text": "Enough."}
        assert (await ada.post(one(mallory, "/action"), acting)).status == 200
        assert (await shown(ada, mallory)).suspended
        assert await seen() == {404}
        assert (await anybody.get("/api/v1/timelines/public")).body == []
        assert (await mallory.get("/api/v1/timelines/home")).status == 403
        assert (await mallory.post("/api/v1/statuses", {"status": "more"})).status == 403
        assert (await visitor.get("/settings/security")).status == 303
        refused = await visitor.sign_in("mallory", PASSWORD)
        assert refused.status == 403 and "suspended" in refused.page.text
        # Other servers hear of it, and read it where they read who that is.
        async with instance.easel.database.read() as session:
            jobs = (await session.exec(select(Job).where(Job.kind == "federate"))).all()
        assert "update_actor" in {job.payload["what"] for job in jobs}
        headers = {"Accept": "application/activity+json"}
        async with browser.get(account.uri, headers=headers) as answer:
            document = await answer.json(content_type=None)
        assert document["suspended"] is True and document["name"] == "mallory"
        assert "publicKey" in document
        async with browser.get(f"{account.uri}/outbox", headers=headers) as answer:
            assert answer.status == 404
        found = held(await ada.post(one(mallory, "/unsuspend")), entities.AdminAccount)
        assert not found.suspended
        assert await seen() == {200}
        assert (await mallory.get("/api/v1/timelines/home")).status == 200
        assert (await visitor.get("/settings/security")).status == 200


async def test_who_is_locked_out_cannot_act_and_is_seen(
    instance: rig.Instance, browser: aiohttp.ClientSession, ada: App, alice: App, bob: App
) -> None:
    posted = await post(alice, "Look!")
    assert (await ada.post(one(alice, "/action"), {"type": "disable"})).status == 200
    assert (await shown(ada, alice)).disabled
    refused = await alice.get("/api/v1/timelines/home")
    assert refused.status == 403 and "locked" in refused.error
    assert (await bob.get(f"/api/v1/statuses/{posted.id}")).status == 200
    assert not held(await ada.post(one(alice, "/enable")), entities.AdminAccount).disabled
    assert (await alice.get("/api/v1/timelines/home")).status == 200
    far = await remote(instance)
    answer = await ada.post(f"{PATH}/{far.id}/action", {"type": "disable"})
    assert answer.status == 422 and "this instance" in answer.error


async def test_who_is_silenced_or_sensitive_is_shown_with_care(
    instance: rig.Instance, browser: aiohttp.ClientSession, ada: App, alice: App, bob: App
) -> None:
    posted = await post(alice, "Look!")
    public = "/api/v1/timelines/public"
    assert (await ada.post(one(alice, "/action"), {"type": "silence"})).status == 200
    assert (await bob.get(public)).body == []
    assert (await bob.get(f"/api/v1/accounts/{alice.account.id}")).body["limited"] is True
    await ada.post(one(alice, "/unsilence"))
    [seen] = (await bob.get(public)).body
    assert seen["sensitive"] is False
    await ada.post(one(alice, "/action"), {"type": "sensitive"})
    [seen] = (await bob.get(public)).body
    assert seen["sensitive"] is True and (await shown(ada, alice)).sensitized
    async with browser.get(posted.uri, headers={"Accept": "application/activity+json"}) as answer:
        assert (await answer.json(content_type=None))["sensitive"] is True
    await ada.post(one(alice, "/unsensitive"))
    assert (await bob.get(public)).body[0]["sensitive"] is False


async def test_somebody_elsewhere_is_suspended_alone_and_deleted_for_good(
    instance: rig.Instance, ada: App, alice: App
) -> None:
    far = await remote(instance)
    assert (await ada.ask("DELETE", f"{PATH}/{far.id}")).status == 403
    assert (await ada.post(f"{PATH}/{far.id}/action", {"type": "suspend"})).status == 200
    assert (await alice.get(f"/api/v1/accounts/{far.id}")).status == 404
    follow = await alice.post(f"/api/v1/accounts/{far.id}/follow")
    assert follow.status == 404
    assert held(await ada.ask("DELETE", f"{PATH}/{far.id}"), entities.AdminAccount).suspended
    assert (await ada.get(f"{PATH}/{far.id}")).status == 404


async def test_staff_act_on_those_below_them_and_not_on_themselves(
    instance: rig.Instance, ada: App, max_: App, alice: App
) -> None:
    for app, target, status in (
        (max_, alice, 200),
        (ada, max_, 200),
        (max_, ada, 403),
        (max_, max_, 403),
        (ada, ada, 403),
    ):
        answer = await app.post(one(target, "/action"), {"type": "silence"})
        assert answer.status == status, (app.account.username, target.account.username)
    assert (await ada.post(one(alice, "/action"), {"type": "explode"})).status == 422
    assert (await ada.post(one(alice, "/action"), {"report_id": "7"})).status == 404
    async with instance.easel.database.read() as session:
        rows = (await session.exec(select(AuditEntry).order_by(AuditEntry.id))).all()  # type: ignore[arg-type]
    done = [(row.actor, row.action, row.target) for row in rows]
    assert done == [("max", "account.silence", "alice"), ("ada", "account.silence", "max")]


@pytest.mark.parametrize("mail", [True, False])
async def test_who_is_warned_hears_why_and_the_report_is_settled(
    instance: rig.Instance, ada: App, alice: App, bob: App, mail: bool
) -> None:
    posted = await post(alice, "Look!")
    async with instance.easel.database.write() as tx:
        account = await tx.get_one(Account, bob.account.id)
        target = await tx.get_one(Account, alice.account.id)
        report = await reports.make(tx, account, target, "Rude.")
        report.status_ids = [int(posted.id)]
        tx.add(report)
    acting: dict[str, Any] = {
        "type": "none",
        "text": "Please be kind.",
        "report_id": str(report.id),
        "send_email_notification": mail,
    }
    assert (await ada.post(one(bob, "/action"), acting)).status == 404  # it is about another
    assert (await ada.post(one(alice, "/action"), acting)).status == 200
    async with instance.easel.database.read() as session:
        found = await session.get_one(Report, report.id)
        jobs = (await session.exec(select(Job).where(Job.kind == "mail"))).all()
    assert found.resolved_at is not None and found.resolved_by_id == ada.account.id
    assert [job.payload["what"] for job in jobs] == (["warning"] if mail else [])
    [told] = held(await alice.get("/api/v1/notifications"), list[entities.Notification])
    assert told.type == "moderation_warning" and told.account.acct == "alice"
    assert isinstance(told.moderation_warning, entities.AccountWarning)
    assert told.moderation_warning.text == "Please be kind."
    assert told.moderation_warning.status_ids == [posted.id]
    grouped = held(await alice.get("/api/v2/notifications"), entities.GroupedNotifications)
    assert grouped.notification_groups[0].moderation_warning == told.moderation_warning
