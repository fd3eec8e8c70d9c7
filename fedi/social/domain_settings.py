"""What the settings say of domains, written where the rules are, when the server starts.

So they hold wherever rules hold, and `easel domain list` shows them. What the settings say comes
back with every start, whatever the command line made of it since; what they say no longer goes with
the next one.

Of several processes that start at the same moment one does it, while the others wait for its mark.
"""

from __future__ import annotations

from fedi.database import Transaction
from fedi.database.insertion import insert_new, row_values
from fedi.database.tables import DomainRule, Mark
from fedi.settings import FederationSettings
from fedi.social import domains

MODE = "federation.mode"
RULES = "federation.rules"  # the domains that the settings made rules for


async def keep(tx: Transaction, settings: FederationSettings) -> None:
    """Make what the settings say of domains hold; if that is news, the accounts follow."""
    changed = await _keep_mode(tx, settings.mode)
    changed |= await _keep_rules(tx, of_settings(settings))
    if changed:
        await domains.changed(tx, limited=settings.mode == "limited")


def of_settings(settings: FederationSettings) -> dict[str, DomainRule]:
    """The rules that the settings make, by domain."""
    named = {*settings.reject, *settings.silence, *settings.reject_media, *settings.reject_reports}
    return {
        domain: DomainRule(
            domain=domain,
            severity="suspend"
            if domain in settings.reject
            else "silence"
            if domain in settings.silence
            else "none",
            reject_media=domain in settings.reject_media,
            reject_reports=domain in settings.reject_reports,
        )
        for domain in sorted(named)
    }


async def _keep_mode(tx: Transaction, mode: str) -> bool:
    mark = await _mark(tx, MODE, "open")
    if mark.value == mode:
        return False
    mark.value = mode
    tx.add(mark)
    return True


async def _keep_rules(tx: Transaction, wanted: dict[str, DomainRule]) -> bool:
    mark = await _mark(tx, RULES, "")
    before, changed = set(mark.value.split()), False
    for domain in before - wanted.keys():
        row = await tx.get(DomainRule, domain)
        if row is not None:
            await tx.delete(row)
            changed = True
    for domain, rule in wanted.items():
        row, new = await _rule(tx, domain)
        told = (rule.severity, rule.reject_media, rule.reject_reports)
        if (
            new
            or domain not in before
            or (row.severity, row.reject_media, row.reject_reports) != told
        ):
            row.severity, row.reject_media, row.reject_reports = told
            tx.add(row)
            changed = True
    if before != wanted.keys():
        mark.value = " ".join(wanted)
        tx.add(mark)
    return changed


async def _mark(tx: Transaction, name: str, value: str) -> Mark:
    """The mark of this name, for this transaction alone; it has this value if it is new."""
    await insert_new(tx, Mark, {"name": name, "value": value})
    return await tx.get_one(Mark, name, with_for_update=True, populate_existing=True)


async def _rule(tx: Transaction, domain: str) -> tuple[DomainRule, bool]:
    """The rule of this domain, which `easel domain` may be making at the same moment; and whether
    it is new."""
    row = DomainRule(domain=domain, id=tx.new_id(), created_at=tx.now)
    new = await insert_new(tx, DomainRule, row_values(row)) > 0
    locked = await tx.get_one(DomainRule, domain, with_for_update=True, populate_existing=True)
    return locked, new
