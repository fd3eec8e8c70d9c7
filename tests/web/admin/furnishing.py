"""An instance with something on each of the pages of those who run it, for a browser to look at."""

from __future__ import annotations

from fedi.database.tables import Account
from fedi.social import invites, moderation, reports, rules
from fedi.social.training import grants, ledger
from tests.api.oauth.person import join
from tests.rig import Instance
from tests.web import hanging
from tests.web.admin import stocking
from tests.web.admin.staff import appoint, report, waiting
from tests.web.test_hostile import HTML, STRINGS


async def furnish(instance: Instance) -> dict[str, str]:
    """Somebody (`ada`) who runs an instance where much is to be done, with hostile strings in all
    that others can write; the pages."""
    ada = await appoint(instance, "ada", "admin")
    alice = await join(instance, display_name=STRINGS[1], email="alice@mail.example")
    bob = await join(instance, "bob", display_name="Bob Okafor")
    sam = await hanging.stranger(instance, display_name=STRINGS[-1], note=HTML[0])
    picture = await hanging.hang(instance, bob, text="Is this a forgery? #fog")
    far = await hanging.receive(instance, sam, content=HTML[2])
    async with instance.easel.database.write() as tx:
        rule = await rules.add(tx, "Be kind.", "Nobody likes a bully.")
        await rules.add(tx, STRINGS[2][:300], STRINGS[3])
        await invites.create(tx, account=ada, uses=3, comment=STRINGS[0])
        gone = await invites.create(tx)
        await invites.revoke(tx, gone.code)
    for words in STRINGS:
        made = await report(instance, alice, sam, words, far)
    sorted_ = await report(instance, alice, bob, "He says that it is not his.", picture)
    for number, words in enumerate(STRINGS[:4]):
        await waiting(instance, f"newbie{number}", words)
    async with instance.easel.database.write() as tx:
        row, target = await tx.get_one(type(sorted_), sorted_.id), await tx.get_one(Account, bob.id)
        await reports.sort(tx, row, "violation", [rule.id])
        await reports.assign(tx, row, ada)
        await moderation.act(tx, ada, target, "silence", words=STRINGS[3])
        await moderation.act(tx, ada, target, "suspend", words="Enough.")
    await stocking.hold(instance, alice)
    await stocking.house(instance, ada)
    await stocking.queue(instance, [alice, alice, alice])
    await stocking.trends(instance)
    await stocking.letters(instance)
    await stocking.models(instance)
    await stocking.neighbours(instance)
    async with instance.easel.database.write() as tx:
        for name in (STRINGS[0][:200], "Example Lab"):
            await grants.grant(tx, name, purpose=STRINGS[1])
        await grants.revoke(tx, "Example Lab")
        given = ledger.begin(tx, ledger.FILES, recipient="", purpose=STRINGS[2], sensitive=False)
        given.finished_at = tx.now
    return {
        "overview": "/admin",
        "reports": "/admin/reports",
        "report": f"/admin/reports/{made.id}",
        "report-sorted": f"/admin/reports/{sorted_.id}",
        "accounts": "/admin/accounts",
        "account": f"/admin/accounts/{bob.id}",
        "account-remote": f"/admin/accounts/{sam.id}",
        "joining": "/admin/joining",
        "pictures": "/admin/pictures",
        "rules": "/admin/rules",
        "announcements": "/admin/announcements",
        "emoji": "/admin/emoji",
        "barred": "/admin/barred",
        "domains": "/admin/domains",
        "servers": "/admin/servers",
        "server": "/admin/servers?host=failing.example",
        "trends": "/admin/trends",
        "trends-prompts": "/admin/trends?kind=prompt",
        "storage": "/admin/storage",
        "data": "/admin/data",
        "models": "/admin/models",
        "settings": "/admin/settings",
        "queue": "/admin/queue",
        "jobs": "/admin/jobs",
        "log": "/admin/log",
    }
