"""Reports by an app, the rules that they name, and what else the instance says of itself."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from sqlmodel import select

from fedi.api.mastodon import entities
from fedi.database.tables import Account, Report
from fedi.federation import remote
from fedi.social import rules, statuses
from fedi.social.statuses import Draft
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import form, held, nobody
from tests.federation import peer

REPORTS, RULES = "/api/v1/reports", "/api/v1/instance/rules"


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice", "read write:reports")


@pytest.fixture
async def bob(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "bob")


async def publish(app: App, text: str, visibility: str = "public") -> str:
    async with app.instance.easel.database.write() as tx:
        author = await tx.get_one(Account, app.account.id)
        status = await statuses.publish(tx, author, Draft(text=text, visibility=visibility))
    return str(status.id)


async def test_an_account_and_posts_are_reported_for_a_rule(
    alice: App, bob: App, instance: rig.Instance
) -> None:
    async with instance.easel.database.write() as tx:
        await rules.add(tx, "Be kind.", "To everybody.")
        await rules.add(tx, "No spam.")
    [kind, spam] = held(await alice.get(RULES), list[entities.Rule])
    assert (kind.text, kind.hint, spam.text) == ("Be kind.", "To everybody.", "No spam.")
    whole = held(await alice.get("/api/v2/instance"), entities.Instance)
    assert [rule.id for rule in whole.rules] == [kind.id, spam.id]

    post, target = await publish(bob, "buy this"), str(bob.account.id)
    answer = await form(
        alice, "POST", REPORTS, ("account_id", target), ("status_ids[]", post),
        ("comment", " Look "), ("rule_ids[]", spam.id), ("category", "spam"), ("forward", "true"),
    )  # fmt: skip
    made = held(answer, entities.Report)
    assert (made.category, made.comment, made.rule_ids) == ("violation", "Look", [spam.id])
    assert (made.status_ids, made.forwarded, made.action_taken) == ([post], False, False)
    assert made.target_account.acct == "bob"
    assert (await alice.post(REPORTS, {"account_id": target})).status == 200  # words may fail one

    async with instance.easel.database.write() as tx:
        assert (await rules.remove(tx, 2)).text == "No spam."
    assert [rule.id for rule in held(await alice.get(RULES), list[entities.Rule])] == [kind.id]
    again = {"account_id": target, "rule_ids": [spam.id]}
    assert (await alice.post(REPORTS, again)).status == 422


async def test_what_makes_no_report(alice: App, bob: App, instance: rig.Instance) -> None:
    target = str(bob.account.id)
    hidden, mine = await publish(bob, "between us", "direct"), await publish(alice, "mine")
    for asked, status in (
        ({"comment": "x"}, 422),
        ({"account_id": "1"}, 404),
        ({"account_id": "x"}, 404),
        ({"account_id": str(alice.account.id)}, 422),
        ({"account_id": target, "status_ids": [hidden]}, 404),
        ({"account_id": target, "status_ids": [mine]}, 422),
        ({"account_id": target, "category": "boring"}, 422),
        ({"account_id": target, "rule_ids": ["7"]}, 422),
        ({"account_id": target, "comment": "x" * 5001}, 422),
    ):
        answer = await alice.post(REPORTS, asked)
        assert answer.status == status and answer.error, asked
    async with instance.easel.database.read() as session:
        assert (await session.exec(select(Report))).all() == []
    reader = await App.of(instance, alice.browser, "alice", "read")
    assert (await reader.post(REPORTS, {"account_id": target})).status == 403


async def test_a_report_is_forwarded_without_a_name(alice: App, instance: rig.Instance) -> None:
    async with peer.opened(instance.clock) as internet:
        mallory = internet.person("mallory")
        target = await remote.resolve(instance.easel, mallory.handle)
        asked = {"account_id": str(target.id), "comment": "Not me", "forward": True}
        assert held(await alice.post(REPORTS, asked), entities.Report).forwarded
        await instance.run_jobs()
        [flag] = internet.got(mallory.inbox)
    assert (flag["type"], flag["actor"]) == ("Flag", f"{instance.url}/actor")
    assert flag["content"] == "Not me" and alice.account.uri not in str(flag)


async def test_the_papers_of_an_instance_are_files_of_its_host(
    new_database: rig.NewDatabase, tmp_path: Path, browser: aiohttp.ClientSession
) -> None:
    policy = tmp_path / "privacy.md"
    policy.write_text("We keep *nothing*.\n\n<script>", encoding="utf-8")
    papers = {"privacy_policy": str(policy), "terms_of_service": str(tmp_path / "gone.md")}
    async with rig.serve_instance(tmp_path, new_database(), instance=papers) as instance:
        anybody = nobody(instance, browser, await App.of(instance, browser, "alice"))
        base = "/api/v1/instance/"
        found = held(await anybody.get(f"{base}privacy_policy"), entities.PrivacyPolicy)
        assert "<em>nothing</em>" in found.content and "<script>" not in found.content
        assert (await anybody.get(f"{base}terms_of_service")).status == 404
        (tmp_path / "gone.md").write_text("Be kind.", encoding="utf-8")
        terms = held(await anybody.get(f"{base}terms_of_service"), entities.TermsOfService)
        assert terms.content == "<p>Be kind.</p>" and terms.succeeded_by is None
        dated = f"{base}terms_of_service/{terms.effective_date}"
        assert (await anybody.get(dated)).status == 200
        assert (await anybody.get(f"{base}terms_of_service/1999-01-01")).status == 404
        about = held(await anybody.get(f"{base}extended_description"), entities.ExtendedDescription)
        assert about.content.startswith("<p>")


async def test_a_post_is_embedded_and_what_is_not_for_all_is_not(
    alice: App, bob: App, instance: rig.Instance
) -> None:
    post, hidden = await publish(bob, "Hi <b>"), await publish(bob, "us", "private")
    base = f"{instance.url}/@bob"
    found = held(
        await alice.get("/api/oembed", params={"url": f"{base}/{post}?x=1", "maxwidth": "300"}),
        entities.OEmbed,
    )
    assert (found.author_name, found.width, found.title) == ("bob", 300, "bob: Hi <b>")
    assert f'cite="{base}/{post}"' in found.html and "<b>" not in found.html
    by_id = {"url": f"{instance.url}/users/bob/statuses/{post}"}
    assert (await alice.get("/api/oembed", params=by_id)).status == 200
    for url in (
        f"{base}/{hidden}",
        f"{instance.url}/@alice/{post}",
        f"https://elsewhere.example/@bob/{post}",
        f"{base}/x",
        "",
    ):
        assert (await alice.get("/api/oembed", params={"url": url})).status == 404, url
    assert (await alice.get("/api/oembed")).status == 422
