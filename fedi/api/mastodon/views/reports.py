"""Reports, as who made them and those who look after them see them."""

from __future__ import annotations

from typing import Any, cast

from fedi.api.mastodon import entities
from fedi.database.tables import Report


def show(report: Report, target: entities.Account) -> entities.Report:
    """A report.

    Args:
        target: who is reported.
    """
    return entities.Report(
        id=str(report.id),
        action_taken=report.resolved_at is not None,
        action_taken_at=entities.optional_moment(report.resolved_at),
        category=cast(Any, report.category),
        comment=report.comment,
        forwarded=report.forwarded,
        created_at=entities.moment(report.created_at),
        status_ids=[str(status_id) for status_id in report.status_ids],
        rule_ids=[str(rule_id) for rule_id in report.rule_ids],
        target_account=target,
    )
