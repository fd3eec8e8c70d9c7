"""Block lists as Mastodon writes them: CSV, one domain a line, its columns named in the first."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from fedi.database.tables import DomainRule
from fedi.social import domains
from fedi.social.errors import Invalid

COLUMNS = (
    "#domain",
    "#severity",
    "#reject_media",
    "#reject_reports",
    "#public_comment",
    "#obfuscate",
)
MAX_SIZE = 8 * 1024 * 1024  # bytes; a line is about 60
YES, NO = "true", "false"


def read(text: str) -> tuple[list[DomainRule], list[str]]:
    """Rules from a list.

    Args:
        text: the CSV. Without a line of names it is a bare list of domains, all suspended.

    Returns:
        The rules, and the complaints about lines that are none.

    Raises:
        Invalid: it is too large, or no CSV.
    """
    if len(text) > MAX_SIZE:
        raise Invalid("That list is too long.")
    try:
        lines = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    except csv.Error as error:
        raise Invalid(f"That is no CSV: {error}.") from error
    named = bool(lines) and any(cell.strip() in {"#domain", "domain"} for cell in lines[0])
    names = [cell.strip().removeprefix("#") for cell in lines[0]] if named else ["domain"]
    rules: dict[str, DomainRule] = {}
    complaints: list[str] = []
    for number, line in enumerate(lines[1:] if named else lines, 2 if named else 1):
        cells = dict(zip(names, (cell.strip() for cell in line), strict=False))
        if not cells.get("domain") or (not named and cells["domain"].startswith("#")):
            continue
        try:
            rule = _rule(cells)
        except Invalid as error:
            complaints.append(f"Line {number}: {error}")
        else:
            rules[rule.domain] = rule
    return list(rules.values()), complaints


def _rule(cells: dict[str, str]) -> DomainRule:
    severity = cells.get("severity", "").lower() or "suspend"
    if severity == "noop":  # Mastodon's word for a rule that only rejects media or reports
        severity = "none"
    if severity not in domains.SEVERITIES:
        raise Invalid(f"there is no severity {severity}.")
    return DomainRule(
        domain=domains.checked(cells["domain"]),
        severity=severity,
        reject_media=cells.get("reject_media", "").lower() == YES,
        reject_reports=cells.get("reject_reports", "").lower() == YES,
        public_comment=cells.get("public_comment", ""),
        obfuscate=cells.get("obfuscate", "").lower() == YES,
    )


def write(rules: Iterable[DomainRule]) -> str:
    """Rules as a list; private comments stay here."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(COLUMNS)
    for rule in rules:
        flags = (rule.reject_media, rule.reject_reports, rule.obfuscate)
        media, reports, obfuscate = (YES if flag else NO for flag in flags)
        severity = "noop" if rule.severity == "none" else rule.severity
        lines.writerow((rule.domain, severity, media, reports, rule.public_comment, obfuscate))
    return out.getvalue()
