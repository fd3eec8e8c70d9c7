"""What moderators see."""

from __future__ import annotations

from typing import Literal

from fedi.api.mastodon.entities.accounts import Account, Role
from fedi.api.mastodon.entities.base import UNSET, Entity, Id, Moment, Omitted
from fedi.api.mastodon.entities.instance import Rule
from fedi.api.mastodon.entities.notices import ReportCategory
from fedi.api.mastodon.entities.statuses import Status, Tag, TrendsLink


class AdminIp(Entity, kw_only=True):
    ip: str
    used_at: Moment


class AdminAccount(Entity, kw_only=True):
    id: Id
    username: str
    domain: str | None
    created_at: Moment
    email: str
    ip: str | None
    ips: list[AdminIp]
    locale: str
    invite_request: str | None
    role: Role
    confirmed: bool
    approved: bool
    disabled: bool
    sensitized: bool
    silenced: bool
    suspended: bool
    account: Account
    created_by_application_id: Id | Omitted = UNSET
    invited_by_account_id: Id | Omitted = UNSET


class AdminReport(Entity, kw_only=True):
    id: Id
    action_taken: bool
    action_taken_at: Moment | None
    category: ReportCategory
    comment: str
    forwarded: bool
    created_at: Moment
    updated_at: Moment
    account: AdminAccount
    target_account: AdminAccount
    assigned_account: AdminAccount | None
    action_taken_by_account: AdminAccount | None
    statuses: list[Status]
    rules: list[Rule]


class AdminDomainAllow(Entity, kw_only=True):
    id: Id
    domain: str
    created_at: Moment


class AdminDomainBlock(Entity, kw_only=True):
    id: Id
    domain: str
    digest: str
    created_at: Moment
    severity: Literal["silence", "suspend", "noop"]
    reject_media: bool
    reject_reports: bool
    private_comment: str | None
    public_comment: str | None
    obfuscate: bool


class BlockHistory(Entity, kw_only=True):
    """One day of `AdminEmailDomainBlock`."""

    day: str
    accounts: str
    uses: str


class AdminEmailDomainBlock(Entity, kw_only=True):
    id: Id
    domain: str
    created_at: Moment
    history: list[BlockHistory]


class AdminCanonicalEmailBlock(Entity, kw_only=True):
    id: Id
    canonical_email_hash: str


class AdminIpBlock(Entity, kw_only=True):
    id: Id
    ip: str
    severity: Literal["sign_up_requires_approval", "sign_up_block", "no_access"]
    comment: str
    created_at: Moment
    expires_at: Moment | None


class CohortData(Entity, kw_only=True):
    date: Moment
    rate: float
    value: str


class AdminCohort(Entity, kw_only=True):
    period: Moment
    frequency: Literal["day", "month"]
    data: list[CohortData]


class AdminDimensionData(Entity, kw_only=True):
    key: str
    human_key: str
    value: str
    unit: str | Omitted = UNSET
    human_value: str | Omitted = UNSET


class AdminDimension(Entity, kw_only=True):
    key: str
    data: list[AdminDimensionData]


class AdminMeasureData(Entity, kw_only=True):
    date: Moment
    value: str


class AdminMeasure(Entity, kw_only=True):
    key: str
    unit: str | None
    total: str
    human_value: str | Omitted = UNSET
    previous_total: str | Omitted = UNSET
    data: list[AdminMeasureData]


class AdminLink(TrendsLink, kw_only=True):
    id: Id
    requires_review: bool


class AdminStatus(Status, kw_only=True):
    requires_review: bool


class AdminTag(Tag, kw_only=True):
    trendable: bool
    usable: bool
    requires_review: bool
