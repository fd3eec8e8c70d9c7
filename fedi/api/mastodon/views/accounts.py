"""Accounts as apps get them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import func
from sqlmodel import col, select

from fedi.api.mastodon import entities
from fedi.api.mastodon.views import frames
from fedi.database import Session
from fedi.database.tables import Account, Follow, Login
from fedi.runtime import Easel
from fedi.social import accounts as people
from fedi.social import profiles, text
from fedi.social.preferences import usual
from fedi.studio.remote_files import claims, gallery
from fedi.studio.remote_files.gallery import Gallery

# Mastodon's bits of what a role may do, of those that mean something here.
ADMINISTRATOR, VIEW_DASHBOARD, MANAGE_REPORTS = 1 << 0, 1 << 3, 1 << 4
MANAGE_TAXONOMIES, MANAGE_USERS = 1 << 8, 1 << 10
PERMISSIONS = {
    "admin": ADMINISTRATOR,
    "moderator": VIEW_DASHBOARD | MANAGE_REPORTS | MANAGE_TAXONOMIES | MANAGE_USERS,
    "user": 0,
}
ROLE_IDS = {"user": "-99", "moderator": "2", "admin": "3"}  # those of a fresh Mastodon


async def show(
    easel: Easel, session: Session, accounts: Sequence[Account]
) -> list[entities.Account]:
    """Accounts, in the same order."""
    moved = await _moved(session, accounts)
    everybody = [*accounts, *moved.values()]
    wanted = [claim for account in everybody for claim in claims.of_account(account)]
    hung = await gallery.of(easel, session, wanted)
    return [account(one, hung, moved.get(one.moved_to_uri or "")) for one in accounts]


async def _moved(session: Session, accounts: Sequence[Account]) -> dict[str, Account]:
    """Where these have moved to, as far as that is known here."""
    uris = {account.moved_to_uri for account in accounts if account.moved_to_uri is not None}
    if not uris:
        return {}
    found = await people.by_uris(session, list(uris))
    return {uri: one for uri, one in found.items() if one.deleted_at is None}


def account(account: Account, gallery: Gallery, moved: Account | None = None) -> entities.Account:
    """An account.

    Args:
        account: whose.
        gallery: with its pictures and emoji.
        moved: where it has moved to.
    """
    return entities.Account(**parts(account, gallery, moved))


def parts(account_: Account, gallery: Gallery, moved: Account | None = None) -> dict[str, Any]:
    """What an account says of itself, whatever entity it becomes."""
    avatar, still = frames.face(account_, "avatar", gallery)
    header, still_header = frames.face(account_, "header", gallery)
    found: dict[str, Any] = {
        "id": str(account_.id),
        "username": account_.username,
        "acct": account_.acct,
        "display_name": account_.display_name,
        "locked": account_.locked,
        "bot": account_.actor_type in {"Service", "Application"},
        "discoverable": account_.discoverable,
        "indexable": account_.indexable,
        "group": account_.actor_type == "Group",
        "created_at": entities.moment(account_.created_at),
        "note": account_.note,
        "url": account_.url or account_.uri,
        "uri": account_.uri,
        "avatar": avatar,
        "avatar_static": still,
        "avatar_description": account_.avatar_description,
        "header": header,
        "header_static": still_header,
        "header_description": account_.header_description,
        "followers_count": account_.followers_count,
        "following_count": account_.following_count,
        "statuses_count": account_.statuses_count,
        "last_status_at": account_.last_status_at and entities.day(account_.last_status_at),
        "hide_collections": account_.hide_collections,
        "emojis": frames.emojis(account_.emojis, gallery),
        "fields": _fields(account_, plain=False),
    }
    if account_.local:
        found["noindex"] = not account_.discoverable
        found["roles"] = []
    if account_.silenced_at is not None:
        found["limited"] = True
    if account_.suspended_at is not None:
        found["suspended"] = True
    if moved is not None:
        found["moved"] = account(moved, gallery)
    return found


def _fields(account: Account, *, plain: bool) -> list[entities.Field]:
    return [
        entities.Field(
            name=entry.get("name", ""),
            value=_typed(entry) if plain else profiles.value(account, entry),
            verified_at=entry.get("verified_at"),
        )
        for entry in account.fields
    ]


def _typed(entry: Mapping[str, str]) -> str:
    """The value of a line as its author typed it."""
    return entry.get("source") or text.plain(entry.get("value", ""))


async def credentials(
    easel: Easel, session: Session, account_: Account
) -> entities.CredentialAccount:
    """An account as its owner sees it."""
    login = await session.get(Login, account_.id)
    role = login.role if login is not None else "user"
    asking: Any = select(func.count()).where(
        col(Follow.target_account_id) == account_.id, col(Follow.state) == "pending"
    )
    waiting = int((await session.execute(asking)).scalar() or 0)
    hung = await gallery.of(easel, session, [])
    usual = preferences(login)
    return entities.CredentialAccount(
        **parts(account_, hung),
        source=entities.Source(
            privacy=usual.posting_visibility,
            sensitive=usual.posting_sensitive,
            language=usual.posting_language,
            note=account_.note_source or text.plain(account_.note),
            fields=_fields(account_, plain=True),
            follow_requests_count=waiting,
            hide_collections=account_.hide_collections,
            discoverable=account_.discoverable,
            indexable=account_.indexable,
            attribution_domains=account_.attribution_domains,
            quote_policy=usual.posting_quoters,
        ),
        role=role_entity(role),
    )


def role_entity(role: str) -> entities.Role:
    """What somebody is here."""
    return entities.Role(
        id=ROLE_IDS.get(role, ROLE_IDS["user"]),
        name="" if role == "user" else role.capitalize(),
        permissions=str(PERMISSIONS.get(role, 0)),
        highlighted=role != "user",
    )


async def profile(easel: Easel, session: Session, account_: Account) -> entities.Profile:
    """A profile as its owner edits it; without a picture there is none."""
    login = await session.get(Login, account_.id)
    chosen = login.preferences if login is not None else {}
    found = parts(account_, await gallery.of(easel, session, []))
    kept = (
        "id", "display_name", "locked", "bot", "hide_collections", "discoverable", "indexable",
        "avatar_description", "header_description",
    )  # fmt: skip
    pictures: dict[str, Any] = {
        name: found[name] if getattr(account_, name.removesuffix("_static")) else None
        for name in ("avatar", "avatar_static", "header", "header_static")
    }
    return entities.Profile(
        **{name: found[name] for name in kept},
        **pictures,
        note=account_.note_source or text.plain(account_.note),
        fields=_fields(account_, plain=True),
        attribution_domains=account_.attribution_domains,
        show_media=chosen.get("show_media") is not False,
        show_media_replies=chosen.get("show_media_replies") is not False,
        show_featured=chosen.get("show_featured") is not False,
    )


def preferences(login: Login | None) -> entities.Preferences:
    """How somebody usually posts and reads, under the names that Mastodon gives them."""
    chosen = login.preferences if login is not None else {}
    posting = usual(login)
    media = chosen.get("reading:expand:media")
    return entities.Preferences(
        posting_visibility=cast(entities.Visibility, posting.visibility),
        posting_sensitive=posting.sensitive,
        posting_language=posting.language,
        posting_quoters=cast(entities.Quoters, posting.quoters),
        expand_media=media if media in {"show_all", "hide_all"} else "default",
        expand_spoilers=chosen.get("reading:expand:spoilers") is True,
        play_gifs=chosen.get("reading:autoplay:gifs") is True,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
