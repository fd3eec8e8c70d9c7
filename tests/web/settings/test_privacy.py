"""How somebody usually posts, what others see, and of whom they want to hear."""

from __future__ import annotations

from datetime import timedelta

from fedi.database.tables import Account, Login
from fedi.social import notification_policies
from fedi.social.training import choices
from tests.api.oauth.person import at, join
from tests.rig import Instance
from tests.web.filling import filled, form_of, send

HERE = "/settings/privacy"


async def test_what_is_usual_is_kept_and_posts_begin_with_it(instance: Instance) -> None:
    alice = await join(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get(HERE)
        first = filled(form_of(seen, HERE))
        assert first["visibility"] == "public" and first["for_limited_accounts"] == "drop"
        typed = {
            "visibility": "unlisted", "language": "de", "quoters": "nobody", "sensitive": "1",
            "hide_collections": "1", "for_new_accounts": "drop", "for_not_following": "filter",
        }  # fmt: skip
        seen = await send(visitor, seen, HERE, **typed)
        assert (seen.status, seen.location) == (303, f"{HERE}?kept=1")
        kept = filled(form_of(await visitor.get(HERE), HERE))
        assert {**typed, "for_not_followers": "accept"}.items() <= kept.items()
        begun = filled(form_of(await visitor.get("/compose"), "/compose"))
        assert (begun["audience"], begun["language"]) == ("unlisted", "de")
        begun = filled(form_of(await visitor.get("/studio"), "/studio"))
        assert begun["sensitive"] == "1"
        # What is not ticked any more is off; what is said elsewhere stays.
        async with instance.easel.database.write() as tx:
            await choices.consent(tx, await tx.get_one(Account, alice.id), True)
        instance.clock.advance(timedelta(hours=1))
        fields = filled(form_of(await visitor.get(HERE), HERE))
        del fields["sensitive"], fields["hide_collections"]
        await visitor.post(HERE, fields)
    async with instance.easel.database.read() as session:
        policy = await notification_policies.of(session, alice)
        login = await session.get_one(Login, alice.id)
        row = await session.get_one(Account, alice.id)
    assert (policy.for_new_accounts, policy.for_not_following) == ("drop", "filter")
    assert login.preferences["posting:default:sensitive"] is False and not row.hide_collections
    assert row.training_consent_at is not None


async def test_what_makes_no_sense_is_refused_and_changes_nothing(instance: Instance) -> None:
    alice = await join(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get(HERE)
        for name, value in (
            ("visibility", "loud"),
            ("language", "<script>alert(1)</script>"),
            ("quoters", ""),
            ("for_new_accounts", "burn"),
        ):
            refused = await send(
                visitor,
                seen,
                HERE,
                **{"hide_collections": "1", "visibility": "direct", name: value},
            )
            assert refused.status == 422, name
            assert refused.page.one("p", role="alert").text.endswith(".")
            standing = filled(form_of(refused, HERE))
            assert standing["hide_collections"] == "1"
            assert name == "visibility" or standing["visibility"] == "direct"
        key = filled(form_of(seen, HERE))["form_key"]
        assert (await visitor.post(HERE, {"form_key": key})).status == 422
        assert (await visitor.post(HERE, {"visibility": "direct"})).status == 403
    async with instance.easel.database.read() as session:
        login = await session.get_one(Login, alice.id)
        row = await session.get_one(Account, alice.id)
    assert login.preferences == {} and not row.hide_collections
