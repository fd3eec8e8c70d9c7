"""`/admin/domains`: what is thought of other servers; lists of that, brought in and taken out."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Account, DomainRule
from fedi.runtime import Easel, easel_of
from fedi.social import blocklists, domains
from fedi.social.errors import Invalid, SocialError
from fedi.social.sessions import SignedIn
from fedi.web import forms
from fedi.web.admin import access
from fedi.web.admin.access import Deed, Fields

LENGTH = 100  # rules on one page
MAX_COMPLAINTS = 50  # about lines of a list that are shown
PATH = "/admin/domains"
FILE = "list"  # the field

SEVERITIES = {
    "suspend": "Nothing of it is taken or sent",
    "silence": "Seen only by who follows",
    "none": "Only what is ticked",
}


@access.only("federation")
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/domains?q=WORDS&change=DOMAIN`: the rules, by their names."""
    return await _page(request, visitor, {})


async def _page(
    request: Request,
    visitor: SignedIn,
    fields: Fields,
    error: SocialError | None = None,
    made: int | None = None,
    complaints: list[str] | None = None,
) -> Response:
    easel, asked = easel_of(request), request.query_params
    words = asked.get("q", "").replace("\0", "").strip()[: domains.MAX_NAME]
    after = asked.get("after", "").replace("\0", "")[: domains.MAX_NAME]
    change = fields.get("change") or asked.get("change", "")
    change = change.replace("\0", "")[: domains.MAX_NAME]
    async with easel.database.read() as session:
        rows = await domains.listed(session, limit=LENGTH + 1, words=words, after=after)
        chosen = await session.get(DomainRule, change) if change else None
        allowed = sorted((await domains.load(session, limited=_limited(easel))).allowed)
    kept = [("q", words)] if words else []
    return access.page(
        request,
        visitor,
        "domains",
        "domains",
        error=error,
        rules=rows[:LENGTH],
        typed=_typed(fields if "severity" in fields else {}, chosen),
        changing=chosen is not None,
        allowing=fields.get("domain", "") if "severity" not in fields else "",
        severities=SEVERITIES,
        q=words,
        limited=_limited(easel),
        allowed=allowed,
        made=made,
        complaints=(complaints or [])[:MAX_COMPLAINTS],
        unsaid=max(0, len(complaints or []) - MAX_COMPLAINTS),
        longest=domains.MAX_COMMENT,
        older=access.address(PATH, *kept, ("after", rows[LENGTH - 1].domain))
        if len(rows) > LENGTH
        else None,
        newer=access.address(PATH, *kept) if after else None,
    )


def _typed(fields: Fields, chosen: DomainRule | None) -> DomainRule:
    """What stands in the form: what was typed, or the rule that is to be changed."""
    if fields or chosen is None:
        return _rule(fields)
    return chosen


def _rule(fields: Fields) -> DomainRule:
    return DomainRule(
        domain=fields.get("domain", "").strip(),
        severity=fields.get("severity", "suspend"),
        reject_media="reject_media" in fields,
        reject_reports="reject_reports" in fields,
        public_comment=fields.get("public_comment", ""),
        private_comment=fields.get("private_comment", ""),
        obfuscate="obfuscate" in fields,
    )


def _limited(easel: Easel) -> bool:
    return easel.settings.federation.mode == "limited"


async def _put(deed: Deed) -> str:
    rule = _rule(deed.fields)
    if rule.severity == "none" and not (rule.reject_media or rule.reject_reports):
        raise Invalid("A rule has to do something: tick what it is to do.")
    with access.typed("domain"):
        await domains.decide(deed.tx, deed.who, [rule], limited=_limited(deed.easel))
    return PATH


async def _lift(deed: Deed) -> str:
    domain = deed.fields.get("id", "")
    await domains.remove(deed.tx, domain, limited=_limited(deed.easel))
    await deed.note("domain.unblock", domains.checked(domain))
    return PATH


async def _allow(deed: Deed) -> str:
    with access.typed("domain"):
        name = domains.checked(deed.fields.get("domain", ""))
        await domains.allow(deed.tx, name, limited=_limited(deed.easel))
    await deed.note("domain.allow", name)
    return f"{PATH}#allowed"


async def _disallow(deed: Deed) -> str:
    name = domains.checked(deed.fields.get("id", ""))
    await domains.disallow(deed.tx, name, limited=_limited(deed.easel))
    await deed.note("domain.disallow", name)
    return f"{PATH}#allowed"


@access.only("federation")
async def bring(request: Request, visitor: SignedIn) -> Response:
    """`POST /admin/domains/import`: the rules of a block list, each in place of the one that its
    domain has."""
    easel = easel_of(request)
    async with forms.read_with_files(request, blocklists.MAX_SIZE, 1) as (_, files):
        content = await files[FILE].read() if FILE in files else b""
    try:
        access.count(request, visitor)
        with access.typed(FILE):
            rules, complaints = _listed(content)
        async with easel.database.write() as tx:
            who = await tx.get_one(Account, visitor.account.id)
            made = await domains.decide(tx, who, rules, limited=_limited(easel))
    except SocialError as error:
        return await access.refused(request, visitor, {}, error, _page)
    return await _page(request, visitor, {}, made=made, complaints=complaints)


def _listed(content: bytes) -> tuple[list[DomainRule], list[str]]:
    """The rules of a list, and what is wrong with its lines.

    Raises:
        Invalid: it is none at all.
    """
    if not content:
        raise Invalid("Choose a list.")
    try:
        rules, complaints = blocklists.read(content.decode())
    except UnicodeDecodeError as error:
        raise Invalid("That is no text in UTF-8.") from error
    if not rules and not complaints:
        raise Invalid("There is no domain in that list.")
    return rules, complaints


@access.only("federation")
async def take(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/domains/export`: all rules, as Mastodon's CSV."""
    async with easel_of(request).database.read() as session:
        rules = await domains.listed(session)
    return Response(
        blocklists.write(rules),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": 'attachment; filename="domain_blocks.csv"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


routes: list[BaseRoute] = [
    Route(PATH, show, methods=["GET"]),
    Route(f"{PATH}/export", take, methods=["GET"]),
    Route(f"{PATH}/import", bring, methods=["POST"]),
    access.deed("/domains/put", "federation", _put, _page),
    access.deed("/domains/lift", "federation", _lift, _page),
    access.deed("/domains/allow", "federation", _allow, _page),
    access.deed("/domains/disallow", "federation", _disallow, _page),
]
