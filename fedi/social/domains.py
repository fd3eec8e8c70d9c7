"""What this instance thinks of other domains: whom it hears, shows, and talks to.

A rule holds for a domain and everything below it; of several the most specific one counts. The
rules are few and asked for all the time, so each process keeps them in memory, and reads them
again when somebody changed them. What they mean for the accounts that are known is written into
the accounts, so that every query that leaves out who is suspended leaves them out, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlalchemy import bindparam, case, delete, func, or_, update
from sqlmodel import col, select

from activitypub import origin
from fedi.database import Session, Transaction
from fedi.database.insertion import table_of
from fedi.database.marks import Watch, change
from fedi.database.tables import Account, DomainAllow, DomainRule, Follow, Notification
from fedi.social import audit, forgetting, severing
from fedi.social.counts import stepped
from fedi.social.errors import Invalid, NotFound

if TYPE_CHECKING:
    from fedi.runtime import Easel

TOPIC = "domains"
SEVERITIES = ("none", "silence", "suspend")
MAX_COMMENT = 2000  # characters
MAX_NAME = 255  # characters of what a domain is looked for by
BATCH = 500  # domains in one statement

_RULES = table_of(DomainRule)
_NAMED = _RULES.select().where(_RULES.c.domain.in_(bindparam("names", expanding=True)))


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules, at one moment.

    Args:
        rules: by domain.
        allowed: the domains that may be talked to where few may.
        limited: whether only those may (`federation.mode`).
    """

    rules: Mapping[str, DomainRule] = field(default_factory=dict)
    allowed: frozenset[str] = frozenset()
    limited: bool = False

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self.limited or bool(self.rules)

    def of(self, domain: str | None) -> DomainRule | None:
        """The rule for a domain, with or without a port."""
        return next((self.rules[name] for name in above(domain) if name in self.rules), None)

    def severity(self, domain: str | None) -> str:
        """none, silence or suspend."""
        if domain is None:
            return "none"
        if self.limited and not any(name in self.allowed for name in above(domain)):
            return "suspend"
        rule = self.of(domain)
        return rule.severity if rule is not None else "none"

    def suspended(self, domain: str | None) -> bool:
        """Whether nothing is taken from a domain, nor sent there."""
        return self.severity(domain) == "suspend"

    def mark(self, account: Account, now: datetime) -> None:
        """Write into an account that has just been read what its domain is thought of."""
        rule = self.of(account.domain)
        if rule is not None and rule.reject_media:
            account.avatar = account.header = None
        if account.silenced_at is not None or account.suspended_at is not None:
            return
        match self.severity(account.domain):
            case "silence":
                account.silenced_at, account.limited_by_domain = now, True
            case "suspend":  # its handle is of another domain than its id
                account.suspended_at, account.limited_by_domain = now, True


def above(domain: str | None) -> Iterator[str]:
    """A domain and those that it lies in, the most specific first: `a.b.c:80`, `a.b.c`, `b.c`,
    `c`."""
    if domain is None:
        return
    yield domain
    name, _, port = domain.partition(":") if not domain.startswith("[") else (domain, "", "")
    if port:
        yield name
    while "." in name:
        name = name.partition(".")[2]
        yield name


class _View:
    def __init__(self, easel: Easel) -> None:
        self.watch = Watch(easel.database, TOPIC)
        self.rules = Rules(limited=easel.settings.federation.mode == "limited")


_views: WeakKeyDictionary[Easel, _View] = WeakKeyDictionary()


async def of(easel: Easel) -> Rules:
    """The rules as they are now; the client keeps to them from here on."""
    view = _views.get(easel)
    if view is None:
        view = _views[easel] = _View(easel)
        easel.client.refuses = lambda host: view.rules.suspended(host)
    if await view.watch.changed():
        async with easel.database.read() as session:
            view.rules = await load(session, limited=view.rules.limited)
    return view.rules


async def load(session: Session, *, limited: bool) -> Rules:
    """Read all rules."""
    rules = await session.exec(select(DomainRule))
    allowed = await session.exec(select(DomainAllow.domain))
    return Rules({rule.domain: rule for rule in rules.all()}, frozenset(allowed.all()), limited)


async def rejecting_media(session: Session, names: Iterable[str | None]) -> set[str | None]:
    """Those of these domains whose pictures are not to be shown."""
    return {name for name, rule in (await _rules(session, names)).items() if rule.reject_media}


async def rejects_reports(session: Session, domain: str | None) -> bool:
    """Whether reports from this domain are not to be heard."""
    rule = (await _rules(session, [domain])).get(domain)
    return rule is not None and (rule.reject_reports or rule.severity == "suspend")


async def _rules(session: Session, names: Iterable[str | None]) -> dict[str | None, Any]:
    """The rows of the rules for these domains, where there are any; asked for with every post that
    has pictures."""
    over = {name: list(above(name)) for name in names}
    wanted = sorted({parent for parents in over.values() for parent in parents})
    rows = await session.execute(_NAMED, {"names": wanted}) if wanted else ()
    found = {rule.domain: rule for rule in rows}
    first = {
        name: next((found[parent] for parent in parents if parent in found), None)
        for name, parents in over.items()
    }
    return {name: rule for name, rule in first.items() if rule is not None}


def checked(domain: str) -> str:
    """A domain as it is stored.

    Raises:
        Invalid: it is none.
    """
    name = origin.authority(domain.strip().removeprefix("@").removeprefix("*."))
    if name is None:
        raise Invalid(f"{domain} is no domain.")
    return name


async def put(tx: Transaction, rules: Iterable[DomainRule], *, limited: bool) -> int:
    """Set rules, each in place of the one that its domain has; the accounts follow at once.

    Args:
        rules: what is set.
        limited: whether only allowed domains are talked to (`federation.mode`).

    Raises:
        Invalid: one of them names no domain, or is of no known severity.
    """
    count = 0
    for rule in rules:
        domain = checked(rule.domain)
        if rule.severity not in SEVERITIES:
            raise Invalid(f"The severity of {domain} must be one of {', '.join(SEVERITIES)}.")
        if domain == tx.instance.domain:
            raise Invalid("This instance cannot block itself.")
        row = await tx.get(DomainRule, domain) or DomainRule(
            domain=domain, id=tx.new_id(), created_at=tx.now
        )
        row.severity = rule.severity
        row.reject_media, row.reject_reports = rule.reject_media, rule.reject_reports
        row.public_comment = rule.public_comment[:MAX_COMMENT]
        row.private_comment = rule.private_comment[:MAX_COMMENT]
        row.obfuscate = rule.obfuscate
        tx.add(row)
        count += 1
    await changed(tx, limited=limited)
    return count


async def decide(
    tx: Transaction, by: Account | None, rules: Sequence[DomainRule], *, limited: bool
) -> int:
    """Set rules as `put` does, and write down who did.

    Args:
        by: which moderator; the command line, if None.
    """
    count = await put(tx, rules, limited=limited)
    for rule in rules:
        await audit.note(tx, by, "domain.block", checked(rule.domain), severity=rule.severity)
    return count


async def listed(
    session: Session, *, limit: int | None = None, words: str = "", after: str = ""
) -> list[DomainRule]:
    """Rules, by the names of their domains.

    Args:
        limit: how many; all, if None.
        words: only of domains that have this in their names.
        after: only of those that come after this one.
    """
    query = select(DomainRule).order_by(col(DomainRule.domain))
    if words:
        query = query.where(col(DomainRule.domain).icontains(words, autoescape=True))
    if after:
        query = query.where(col(DomainRule.domain) > after)
    return list((await session.exec(query.limit(limit))).all())


async def remove(tx: Transaction, domain: str, *, limited: bool) -> None:
    """Take a rule back.

    Raises:
        NotFound: there is none for this very domain.
    """
    row = await tx.get(DomainRule, checked(domain))
    if row is None:
        raise NotFound(f"There is no rule for {domain}.")
    await tx.delete(row)
    await changed(tx, limited=limited)


async def allow(tx: Transaction, domain: str, *, limited: bool) -> None:
    """Talk to a domain where only few are talked to."""
    name = checked(domain)
    if await tx.get(DomainAllow, name) is None:
        tx.add(DomainAllow(domain=name, id=tx.new_id(), created_at=tx.now))
    await changed(tx, limited=limited)


async def disallow(tx: Transaction, domain: str, *, limited: bool) -> None:
    """The opposite of `allow`.

    Raises:
        NotFound: it was not allowed.
    """
    row = await tx.get(DomainAllow, checked(domain))
    if row is None:
        raise NotFound(f"{domain} is not on the list.")
    await tx.delete(row)
    await changed(tx, limited=limited)


async def changed(tx: Transaction, *, limited: bool) -> None:
    """Rules have changed: the accounts follow, and every process hears of it.

    Args:
        limited: whether only allowed domains are talked to (`federation.mode`).
    """
    await tx.flush()
    await apply(tx, await load(tx, limited=limited))
    await change(tx, TOPIC)


async def apply(tx: Transaction, rules: Rules) -> None:
    """Write into all known accounts what is thought of their domains.

    Who is suspended loses every follow, both ways, and is not told: nothing is sent there. Ours
    hear how many ties they lost.
    What a moderator decided about a single account stays as it is.
    """
    limited_once = case((col(Account.limited_by_domain), 1), else_=0)
    known = (
        await tx.execute(
            select(col(Account.domain), func.max(limited_once))
            .where(col(Account.domain).is_not(None))
            .group_by(col(Account.domain))
        )
    ).all()
    by_severity: dict[str, list[str]] = {severity: [] for severity in SEVERITIES}
    for domain, limited in known:
        severity = rules.severity(domain)
        if limited or severity != "none":
            by_severity[severity].append(domain)
    for names in _batches(by_severity["none"]):
        await _set(tx, names, suspended_at=None, silenced_at=None, limited_by_domain=False)
    for names in _batches(by_severity["silence"]):
        await _set(tx, names, suspended_at=None, silenced_at=tx.now, limited_by_domain=True)
    for names in _batches(by_severity["suspend"]):
        await _set(tx, names, suspended_at=tx.now, silenced_at=None, limited_by_domain=True)
        await severing.of_domains(tx, names)
        await _cut(tx, names)
        await forgetting.drop_copies(tx, col(Account.domain).in_(names))


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), BATCH):
        yield names[start : start + BATCH]


async def _set(tx: Transaction, names: Sequence[str], **values: object) -> None:
    by_nobody_else = col(Account.suspended_at).is_(None) & col(Account.silenced_at).is_(None)
    statement = update(Account).where(
        col(Account.domain).in_(names), or_(col(Account.limited_by_domain), by_nobody_else)
    )
    await tx.execute(statement.values(values).execution_options(synchronize_session=False))


async def _cut(tx: Transaction, names: Sequence[str]) -> None:
    """End all follows between these domains and everybody else."""
    theirs = select(col(Account.id)).where(col(Account.domain).in_(names))
    for count_name, mine, other in (
        ("followers_count", Follow.target_account_id, Follow.account_id),
        ("following_count", Follow.account_id, Follow.target_account_id),
    ):
        held = (col(Follow.state) == "accepted") & col(other).in_(theirs)
        lost = (
            select(func.count())
            .select_from(Follow)
            .where(held, col(mine) == col(Account.id))
            .correlate(Account)
            .scalar_subquery()
        )
        column = getattr(Account, count_name)
        await tx.execute(
            update(Account)
            .where(
                col(Account.id).in_(select(col(mine)).where(held)), col(Account.domain).is_(None)
            )
            .values({count_name: stepped(column, -lost)})
            .execution_options(synchronize_session=False)
        )
    for statement in (
        delete(Follow).where(
            or_(col(Follow.account_id).in_(theirs), col(Follow.target_account_id).in_(theirs))
        ),
        delete(Notification).where(col(Notification.from_account_id).in_(theirs)),
        update(Account)
        .where(col(Account.domain).in_(names))
        .values(followers_count=0, following_count=0),
    ):
        await tx.execute(statement.execution_options(synchronize_session=False))
