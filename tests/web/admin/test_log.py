"""What was done in the name of an instance, on a page: in words, by whom, to what, page by page."""

from __future__ import annotations

from fedi.social import audit
from fedi.web.admin import log
from tests.api.oauth.person import join
from tests.rig import Instance
from tests.web.admin.staff import appoint, press, signed_in
from tests.web.test_hostile import STRINGS

PAGE = "/admin/log"


async def test_what_was_done_is_told_in_words(instance: Instance) -> None:
    await appoint(instance)
    ada = await appoint(instance, "ada", "admin")
    bob = await join(instance, "bob")
    account = f"/admin/accounts/{bob.id}"
    async with instance.easel.database.write() as tx:
        await audit.note(tx, None, "unheard.of", STRINGS[1])
        await audit.note(tx, ada, "rule.add", "Be kind.", 1)
    async with signed_in(instance) as visitor:
        await press(visitor, account, f"{account}/act", action="silence")
        rows = (await visitor.get(PAGE)).page.one("main").all("li")[-3:]
        assert rows[0].text.startswith("Silenced bob") and "by @max" in rows[0].text
        assert account in {link["href"] for link in rows[0].all("a")}
        assert rows[1].text.startswith("Made the rule Be kind.") and "by @ada" in rows[1].text
        assert STRINGS[1] in rows[2].text and "by the command line" in rows[2].text
        assert not rows[2].all("img")
        by = (await visitor.get(f"{PAGE}?by=@ada")).page.one("div", _class="room").text
        assert "Be kind." in by and "Silenced" not in by
        about = (await visitor.get(f"{PAGE}?about=bob")).page.one("div", _class="room").text
        assert "Silenced" in about and "Be kind." not in about
        nothing = await visitor.get(f"{PAGE}?about=%00&by=nobody")
        assert "Nothing like that was done." in nothing.body


async def test_the_log_goes_on_page_by_page(instance: Instance) -> None:
    ada = await appoint(instance, "ada", "admin")
    names = [f"Rule {number}." for number in range(log.LENGTH + 3)]
    async with instance.easel.database.write() as tx:
        for name in names:
            await audit.note(tx, ada, "rule.add", name)
    async with signed_in(instance, "ada") as visitor:
        path: str | None = f"{PAGE}?by=ada"
        shown: list[str] = []
        while path is not None:
            room = (await visitor.get(path)).page.one("div", _class="room")
            shown += [entry.text for entry in room.all("b")]
            path = next((link["href"] for link in room.all("a", rel="next")), None)
    assert shown == names[::-1]
