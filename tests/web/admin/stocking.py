"""What pages of the staff show beside people and reports: the house, its machines, others."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import select

from fedi.database.tables import (
    Account,
    DomainRule,
    Job,
    ModelPull,
    PeerHost,
    Tag,
    Trend,
    TrendSignal,
)
from fedi.social import announcements, domains, email_addresses, emojis, ip_blocks
from fedi.social.trends import formula, subjects
from fedi.studio import faces
from tests.rig import Instance
from tests.studio.asking import ask
from tests.studio.queueing import painter, take
from tests.studio.test_reviews import judged, painted
from tests.web import hanging
from tests.web.test_hostile import STRINGS


async def hold(instance: Instance, author: Account) -> None:
    """Pictures that wait for one of the staff; the instance has to hold such pictures."""
    for prompt in ("a lighthouse in fog", STRINGS[1], STRINGS[-1]):
        await painted(instance, author, judged(0.7), "review", prompt=prompt)


async def house(instance: Instance, ada: Account) -> None:
    """Announcements, emoji, rules about domains, networks and addresses."""
    easel = instance.easel
    stored = [await faces.store_emoji(easel.storage, hanging.png(side, 32)) for side in (32, 64)]
    async with easel.database.write() as tx:
        for words in ("**Down** tonight, for an hour.", STRINGS[-1], STRINGS[4]):
            await announcements.publish(tx, words, ends_at=tx.now + timedelta(days=1))
        for code, kind, files in zip(
            ("easel", "x" * 30, "brush"),
            ("Us", STRINGS[1][:40], ""),
            [*stored, stored[0]],
            strict=True,
        ):
            await emojis.put(tx, code, *files, kind)
        rules = [
            DomainRule(domain="spam.example", severity="suspend", public_comment="Spam"),
            DomainRule(
                domain=".".join(["long" * 12] * 4),
                severity="silence",
                reject_media=True,
                reject_reports=True,
                obfuscate=True,
                public_comment=STRINGS[1],
                private_comment=STRINGS[-1],
            ),
        ]
        await domains.decide(tx, ada, rules, limited=False)
        until = tx.now + timedelta(days=7)
        await ip_blocks.put(tx, None, "192.0.2.0/24", "sign_up_block", STRINGS[1], until)
        await ip_blocks.put(tx, None, "2001:db8:1:2::/64", "no_access", "", None)
        await email_addresses.block_domain(tx, "spam.example")
        await email_addresses.block(tx, email_addresses.fingerprint("a@mail.example"))


async def models(instance: Instance) -> None:
    """Models that are being fetched, one of them by the name of somebody hostile."""
    async with instance.easel.database.write() as tx:
        for number, (key, state) in enumerate(
            [("flux2-klein-4b", "fetching"), ("x" * 60 + "/" + "y" * 90, "stopped"),
             ("owner/tiny", "broken"), ("sdxl-lightning", "waiting")]
        ):  # fmt: skip
            tx.add(
                ModelPull(
                    key=key,
                    server="this machine",
                    state=state,
                    done=number * 10**9,
                    size=14 * 10**9 if number != 3 else 0,
                    error=STRINGS[1] if state == "broken" else "",
                    asked_at=tx.now,
                    told_at=tx.now,
                )
            )


async def queue(instance: Instance, people: list[Account]) -> None:
    """Painters, one of them at work, and pictures that wait."""
    garage = await painter(instance.easel, "garage", ("owner/model",))
    await painter(instance.easel, STRINGS[1], ("x" * 90,))
    for who in people:
        await ask(instance.easel, who, STRINGS[2], steps=4, width=512, height=512)
    await take(instance.easel, garage, ("owner/model",))


async def letters(instance: Instance) -> None:
    """Jobs that were given up."""
    async with instance.easel.database.write() as tx:
        for number, words in enumerate((STRINGS[1], STRINGS[-1], "503 Service Unavailable")):
            tx.add(
                Job(
                    id=tx.new_id(),
                    kind="deliver",
                    payload={"inbox": f"https://{number}.example/inbox"},
                    state="dead",
                    lane=f"{'gone' * (8 * number + 1)}.example",
                    run_at=tx.now,
                    attempts=number,
                    error=words,
                    created_at=tx.now,
                )
            )


async def neighbours(instance: Instance) -> None:
    """Other servers: one that is well, one that fails, one that is left alone, one given up."""
    async with instance.easel.database.write() as tx:
        ago = tx.now - timedelta(days=2)
        for host, more in {
            "well.example": {"delivered_at": ago},
            "failing.example": {"failing_since": ago, "failures": 7, "error": STRINGS[1]},
            f"{'open' * 15}.example": {
                "failing_since": ago,
                "failures": 40,
                "open_until": tx.now + timedelta(hours=2),
                "error": STRINGS[-1],
            },
            "rested.example": {"failing_since": ago, "rested_at": ago, "error": "503"},
        }.items():
            tx.add(PeerHost(host=host, first_seen_at=ago, failed_at=ago, **more))


async def trends(instance: Instance) -> None:
    """What people do something with: a picture, a prompt, a hashtag, a link."""
    maker = await hanging.join(instance, "mia", discoverable=True)
    recipe = {"ai_prompt": STRINGS[1], "share_recipe": True}
    medium = await hanging.paint(instance, maker, **recipe)
    post = await hanging.publish(instance, maker, text=f"{STRINGS[3]} #fog", media_ids=[medium])
    hour = formula.hour_of(instance.clock.now())
    async with instance.easel.database.write() as tx:
        tag = (await tx.exec(select(Tag).where(Tag.name == "fog"))).one()
        words = subjects.prompt(STRINGS[1])
        address = f"https://news.example/{'long' * 80}"
        for kind, number, said in (
            ("status", post.id, ""),
            ("chain", post.id, ""),
            ("tag", tag.id, ""),
            ("prompt", subjects.number_of(words), words),
            ("link", subjects.number_of(address), address),
        ):
            tx.add(
                Trend(
                    kind=kind,
                    subject_id=number,
                    words=said,
                    rank=1.0,
                    voices=5,
                    people=5,
                    servers=2,
                    began=hour - 3,
                    last=hour,
                )
            )
            tx.add(
                TrendSignal(
                    kind=kind,
                    subject_id=number,
                    account_id=maker.id,
                    source_id=post.id,
                    server="",
                    easy=False,
                    weight=1.0,
                    hour=hour,
                )
            )
