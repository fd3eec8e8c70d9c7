"""`/api/v1/admin/reports`: looked at, taken on, and settled."""

from __future__ import annotations

from fedi.api.mastodon import entities
from fedi.database.tables import Account
from fedi.social import reports, rules
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import held, ids, post

PATH = "/api/v1/admin/reports"


async def test_a_report_is_seen_with_its_posts_whoever_may_see_them_taken_on_and_settled(
    instance: rig.Instance, ada: App, max_: App, alice: App, bob: App
) -> None:
    hidden = await post(alice, "@bob Look!", visibility="direct")
    gone = await post(alice, "Gone")
    asked = {
        "account_id": str(alice.account.id),
        "status_ids": [hidden.id, gone.id],
        "comment": "Rude.",
    }
    made = await bob.post("/api/v1/reports", asked)
    assert made.status == 200, made.body
    await alice.ask("DELETE", f"/api/v1/statuses/{gone.id}")
    assert (await max_.get(f"/api/v1/statuses/{hidden.id}")).status == 404
    [found] = held(await max_.get(PATH), list[entities.AdminReport])
    assert [status.id for status in found.statuses] == [hidden.id]
    assert (found.account.username, found.target_account.username) == ("bob", "alice")
    assert (found.comment, found.category, found.action_taken) == ("Rude.", "other", False)
    one = f"{PATH}/{found.id}"
    assert (await max_.post(f"{one}/assign_to_self")).body["assigned_account"]["username"] == "max"
    assert (await max_.post(f"{one}/unassign")).body["assigned_account"] is None
    settled = held(await max_.post(f"{one}/resolve"), entities.AdminReport)
    assert settled.action_taken and settled.action_taken_at is not None
    assert settled.action_taken_by_account is not None
    assert settled.action_taken_by_account.username == "max"
    assert ids(await ada.get(PATH)) == [] and ids(await ada.get(f"{PATH}?resolved=1")) == [found.id]
    again = held(await ada.post(f"{one}/reopen"), entities.AdminReport)
    assert not again.action_taken and again.action_taken_by_account is None
    for query, expected in (
        (f"target_account_id={alice.account.id}", [found.id]),
        (f"account_id={bob.account.id}", [found.id]),
        (f"account_id={alice.account.id}", []),
        ("account_id=x", []),
    ):
        assert ids(await ada.get(f"{PATH}?{query}")) == expected, query


async def test_a_report_is_said_to_be_about_something_else(
    instance: rig.Instance, ada: App, alice: App, bob: App
) -> None:
    async with instance.easel.database.write() as tx:
        rule = await rules.add(tx, "Be kind.")
        reporter = await tx.get_one(Account, bob.account.id)
        target = await tx.get_one(Account, alice.account.id)
        made = await reports.make(tx, reporter, target, "Rude.")
    one = f"{PATH}/{made.id}"
    changed = await ada.ask("PUT", one, {"category": "violation", "rule_ids": [str(rule.id)]})
    found = held(changed, entities.AdminReport)
    assert found.category == "violation" and [each.text for each in found.rules] == ["Be kind."]
    changed = await ada.ask("PUT", one, {"category": "spam"})
    found = held(changed, entities.AdminReport)
    assert found.category == "spam" and found.rules == []
    assert (await ada.ask("PUT", one, {"category": "boring"})).status == 422
    assert (await ada.ask("PUT", f"{PATH}/7", {})).status == 404
