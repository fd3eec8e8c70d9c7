"""The instance as apps get it, in both forms."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func
from sqlmodel import col, select

from fedi import __version__, ids
from fedi.api.mastodon import entities
from fedi.api.mastodon.views import accounts
from fedi.database import Session
from fedi.database.tables import Account, DomainRule, Login, Status
from fedi.runtime import Easel
from fedi.social import accounts as people
from fedi.social import (
    emojis,
    featured_tags,
    pins,
    polls,
    profiles,
    registration,
    statuses,
    text,
    vapid,
)
from fedi.social import rules as agreed
from fedi.studio import media, pictures

# Which of Mastodon's APIs we are compatible with: Phanpy and Ice Cubes choose their calls by it, so
# both go up with what is there. 2 are grouped notifications (4.3); 3 attribution domains, 4 media
# that can be deleted, 5 the filter action blur (4.4); 7 quotes and their policies (4.5); 8
# `/api/v1/profile`, but for the annual reports, which we have not; 9 the descriptions of avatar and
# header in it (both 4.6). 10 are collections and `supported_types`, which we have not, so that 4.5
# is the last version of which there is all.
MASTODON_VERSION = "4.5.0"
API_VERSION = 9
# Phanpy reads the leading number, Mastodon.py what stands before the first space.
VERSION = f"{MASTODON_VERSION} (compatible; Easel {__version__})"

RESERVED_PER_URL = 23  # characters that Mastodon's apps count for an address, however long
MONTH, WEEK = timedelta(days=30), timedelta(weeks=1)
WEEKS = 12


async def show(easel: Easel, session: Session) -> entities.Instance:
    """As `GET /api/v2/instance` answers."""
    settings = easel.settings
    instance = settings.instance
    contact = await _contact(easel, session)
    open_feeds = entities.Feeds(local="public", remote="public")
    usual = _configuration(easel)
    server_key = await vapid.public_key(session)
    return entities.Instance(
        domain=instance.domain,
        title=instance.name,
        version=VERSION,
        source_url=f"{instance.url}/about",
        description=instance.description,
        usage=entities.Usage(
            users=entities.ActiveUsers(active_month=await _active(session, session.now - MONTH))
        ),
        thumbnail=entities.Thumbnail(url=_icon(easel)),
        icon=[
            entities.InstanceIcon(src=f"{instance.url}/static/icons/easel-{side}.png", size=size)
            for side, size in ((64, "64x64"), (180, "180x180"))
        ],
        languages=[],
        configuration=entities.WholeConfiguration(
            accounts=usual.accounts,
            statuses=usual.statuses,
            media_attachments=usual.media_attachments,
            polls=usual.polls,
            urls=entities.Addresses(
                streaming=_streaming(easel),
                about=f"{instance.url}/about",
                privacy_policy=None,
            ),
            vapid=entities.Vapid(public_key=server_key) if server_key else entities.UNSET,
            translation=entities.Translating(enabled=False),
            timelines_access=entities.TimelinesAccess(
                live_feeds=open_feeds, hashtag_feeds=open_feeds, trending_link_feeds=open_feeds
            ),
            limited_federation=settings.federation.mode == "limited",
        ),
        registrations=_registrations(easel),
        api_versions=entities.ApiVersions(mastodon=API_VERSION),
        contact=entities.Contact(email=instance.contact, account=contact),
        rules=await rules(session),
    )


async def show_first_form(easel: Easel, session: Session) -> entities.V1Instance:
    """As `GET /api/v1/instance` answers."""
    settings, joining = easel.settings, _registrations(easel)
    instance = settings.instance
    people_: Any = _people(select(func.count()).select_from(Account))
    written: Any = select(func.count()).where(
        col(Status.local).is_(True),
        col(Status.deleted_at).is_(None),
        col(Status.reblog_of_id).is_(None),
        col(Status.visibility).in_(statuses.SHOWN_TO_ALL),
    )
    domains: Any = select(func.count(func.distinct(Account.domain)))
    return entities.V1Instance(
        uri=instance.domain,
        title=instance.name,
        short_description=instance.description,
        description=instance.description,
        email=instance.contact,
        version=VERSION,
        urls=entities.V1Addresses(streaming_api=_streaming(easel)),
        stats=entities.V1Stats(
            user_count=await _count(session, people_),
            status_count=await _count(session, written),
            domain_count=await _count(session, domains),
        ),
        thumbnail=_icon(easel),
        languages=[],
        registrations=joining.enabled,
        approval_required=joining.approval_required,
        invites_enabled=settings.registrations.mode != "closed",
        configuration=_configuration(easel),
        contact_account=await _contact(easel, session),
        rules=await rules(session),
    )


async def rules(session: Session) -> list[entities.Rule]:
    """What is asked of everybody here."""
    return [
        entities.Rule(id=str(rule.id), text=rule.text, hint=rule.hint)
        for rule in await agreed.every(session)
    ]


async def custom_emojis(session: Session) -> list[entities.CustomEmoji]:
    """The emoji of this instance."""
    return [
        entities.CustomEmoji(
            shortcode=emoji.shortcode,
            url=emojis.address(session, emoji.file),
            static_url=emojis.address(session, emoji.still_file),
            category=emoji.category or None,
        )
        for emoji in await emojis.every(session)
    ]


async def peers(session: Session) -> list[str]:
    """The domains that are known here, and not shut out."""
    query = (
        select(Account.domain)
        .where(col(Account.domain).is_not(None), col(Account.suspended_at).is_(None))
        .distinct()
        .order_by(col(Account.domain))
    )
    return [domain for domain in (await session.exec(query)).all() if domain]


async def domain_blocks(session: Session) -> list[entities.DomainBlock]:
    """The domains that are limited or shut out here, as far as the host tells."""
    rows = await session.exec(
        select(DomainRule)
        .where(col(DomainRule.severity).in_(("silence", "suspend")))
        .order_by(col(DomainRule.domain))
    )
    return [
        entities.DomainBlock(
            domain=_starred(rule.domain) if rule.obfuscate else rule.domain,
            digest=hashlib.sha256(rule.domain.encode()).hexdigest(),
            severity="suspend" if rule.severity == "suspend" else "silence",
            comment=rule.public_comment,
        )
        for rule in rows.all()
    ]


async def activity(session: Session) -> list[entities.Activity]:
    """What was posted here for everybody, by how many, and how many came, in each of the last
    weeks."""
    now = session.now
    monday = (now - timedelta(days=now.weekday())).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    starts = [monday - number * WEEK for number in range(WEEKS)]
    written = [
        _within(col(Status.id), ids.floor(start), ids.floor(start + WEEK)) for start in starts
    ]
    posts: Any = select(
        *(func.count(case((inside, 1))) for inside in written),
        *(func.count(func.distinct(case((inside, Status.account_id)))) for inside in written),
    ).where(
        col(Status.local).is_(True),
        col(Status.deleted_at).is_(None),
        col(Status.visibility).in_(statuses.SHOWN_TO_ALL),
        col(Status.id) >= ids.floor(starts[-1]),
    )
    came: Any = select(
        *(
            func.count(case((_within(col(Login.created_at), start, start + WEEK), 1)))
            for start in starts
        )
    ).where(col(Login.created_at) >= starts[-1], col(Login.confirmed_at).is_not(None))
    counts, joined = (await session.execute(posts)).one(), (await session.execute(came)).one()
    return [
        entities.Activity(
            week=str(int(start.timestamp())),
            statuses=str(counts[number]),
            logins=str(counts[WEEKS + number]),
            registrations=str(joined[number]),
        )
        for number, start in enumerate(starts)
    ]


def _within(column: Any, start: Any, end: Any) -> Any:
    return (column >= start) & (column < end)


def _starred(domain: str) -> str:
    """A name of which only the beginning and the end can be read."""
    shown = max(1, len(domain) // 4)
    middle = "".join("." if sign == "." else "*" for sign in domain[shown:-shown])
    return domain[:shown] + middle + domain[len(domain) - shown :]


def _registrations(easel: Easel) -> entities.Registrations:
    """Who may join, by an app. Who needs an invitation has the address of a page."""
    settings, url = easel.settings.registrations, easel.settings.instance.url
    approval = settings.mode == "approval"
    messages = {"closed": registration.CLOSED, "invite": "Who has an invitation can join."}
    message = messages.get(settings.mode)
    return entities.Registrations(
        enabled=settings.mode in {"approval", "open"},
        approval_required=approval,
        reason_required=approval and settings.reason_required,
        message=None if message is None else f"<p>{message}</p>",
        min_age=settings.minimum_age or None,
        url=None if settings.mode == "closed" else f"{url}/sign-up",
    )


def _configuration(easel: Easel) -> entities.Configuration:
    settings = easel.settings.media
    size, matrix = settings.max_upload_mb * 1_000_000, settings.max_megapixels * 1_000_000
    return entities.Configuration(
        accounts=entities.AccountLimits(
            max_featured_tags=featured_tags.MAX_FEATURED,
            max_pinned_statuses=pins.MAX_OWN,
            max_display_name_length=people.MAX_DISPLAY_NAME,
            max_note_length=profiles.MAX_NOTE,
            max_avatar_description_length=profiles.MAX_DESCRIPTION,
            max_header_description_length=profiles.MAX_DESCRIPTION,
            max_profile_fields=profiles.MAX_FIELDS,
            profile_field_name_limit=profiles.MAX_FIELD,
            profile_field_value_limit=profiles.MAX_FIELD,
        ),
        statuses=entities.StatusLimits(
            max_characters=text.MAX_TEXT,
            max_media_attachments=statuses.MAX_MEDIA,
            characters_reserved_per_url=RESERVED_PER_URL,
        ),
        media_attachments=entities.MediaLimits(
            supported_mime_types=list(pictures.FORMATS_BY_TYPE),
            description_limit=media.MAX_DESCRIPTION,
            image_size_limit=size,
            image_matrix_limit=matrix,
            video_size_limit=0,  # pictures only
            video_frame_rate_limit=0,
            video_matrix_limit=0,
        ),
        polls=entities.PollLimits(
            max_options=polls.OWN_OPTIONS,
            max_characters_per_option=polls.OWN_OPTION,
            min_expiration=polls.LEAST_EXPIRATION_S,
            max_expiration=polls.MOST_EXPIRATION_S,
        ),
    )


def _streaming(easel: Easel) -> str:
    """http becomes ws, and https wss."""
    return "ws" + easel.settings.instance.url.removeprefix("http")


def _icon(easel: Easel) -> str:
    return f"{easel.settings.instance.url}/static/icons/easel-180.png"


async def _contact(easel: Easel, session: Session) -> entities.Account | None:
    """The first who runs this instance."""
    query = (
        select(Account)
        .join(Login, col(Login.account_id) == col(Account.id))
        .where(
            Login.role == "admin",
            col(Account.deleted_at).is_(None),
            col(Account.suspended_at).is_(None),
        )
        .order_by(col(Account.id))
        .limit(1)
    )
    found = (await session.exec(query)).first()
    return None if found is None else (await accounts.show(easel, session, [found]))[0]


def _people(query: Any) -> Any:
    return query.where(
        col(Account.domain).is_(None),
        col(Account.deleted_at).is_(None),
        col(Account.suspended_at).is_(None),  # nor who has not been let in yet
        Account.actor_type != "Application",
    )


async def _active(session: Session, since: datetime) -> int:
    posted = _people(select(func.count()).select_from(Account))
    return await _count(session, posted.where(col(Account.last_status_at) > since))


async def _count(session: Session, query: Any) -> int:
    return int((await session.execute(query)).scalar() or 0)
