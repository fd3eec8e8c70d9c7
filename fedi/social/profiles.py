"""What somebody here says of themselves, and how they usually post."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, timedelta
from typing import Any

from msgspec import Struct
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, Login
from fedi.jobs import enqueue
from fedi.social import accounts, domains, drafts, emojis, forgetting, requests, text
from fedi.social.errors import Invalid
from fedi.social.policies import QUOTERS
from fedi.social.training import choices

LINK, LINK_OF_ME = 'rel="nofollow noopener"', 'rel="me nofollow noopener"'
MAX_NOTE = 5000  # characters
MAX_FIELDS, MAX_FIELD = 10, 500
MAX_DESCRIPTION = 1500  # of an avatar or a header; Mastodon's
MAX_ATTRIBUTION_DOMAINS = 10  # as Mastodon

VERIFY = "verify_links"  # the job
# Who changes their profile all the time has no page asked for more often than so.
VERIFY_DELAY = timedelta(seconds=10)
_PAGE = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)

# What is shown of a profile besides, under the names that Mastodon's apps know.
SHOWN = ("show_media", "show_media_replies", "show_featured")


class Line(Struct, frozen=True):
    """A line of the table on a profile, as its author typed it."""

    name: str
    value: str


class Changes(Struct, frozen=True, kw_only=True):
    """What is to be changed; None stays as it is.

    Attributes:
        avatar, header: storage keys of pictures; empty: none any more.
        fields: all lines; those without a name and a value go.
        attribution_domains: all domains whose sites may name this account as an author.
        training: whether others may train on their pictures (`social.training`).
        preferences: how somebody usually posts and shows what, to be merged in.
    """

    display_name: str | None = None
    note: str | None = None
    avatar: str | None = None
    avatar_description: str | None = None
    header: str | None = None
    header_description: str | None = None
    locked: bool | None = None
    bot: bool | None = None
    discoverable: bool | None = None
    indexable: bool | None = None
    hide_collections: bool | None = None
    fields: Sequence[Line] | None = None
    attribution_domains: Sequence[str] | None = None
    training: bool | None = None
    preferences: Mapping[str, Any] = {}


async def change(
    tx: Transaction, account: Account, changes: Changes, *, activity_uri: str | None = None
) -> None:
    """Change a profile; the world is told, if there is something to tell.

    Args:
        account: a local account.
        changes: what is to be changed.
        activity_uri: the id of the Update, if it was minted before.

    Raises:
        Invalid: something is too long, too much, or makes no sense.
    """
    shown = _shown(account)
    await _set_pictures(tx, account, changes)
    await _set_words(tx, account, changes)
    for name in ("locked", "discoverable", "indexable", "hide_collections"):
        value = getattr(changes, name)
        if value is not None:
            setattr(account, name, value)
    if changes.bot is not None and account.actor_type in {"Person", "Service"}:
        account.actor_type = "Service" if changes.bot else "Person"
    if changes.attribution_domains is not None:
        account.attribution_domains = _domains(changes.attribution_domains)
    if changes.training is not None:
        await choices.consent(tx, account, changes.training)
    if changes.preferences:
        await prefer(tx, account, changes.preferences)
    now_shown = _shown(account)
    if now_shown != shown:
        await accounts.update_profile(tx, account, activity_uri=activity_uri)
    if shown["locked"] and not account.locked:
        await requests.accept_all(tx, account)  # nobody has to wait any more


def _shown(account: Account) -> dict[str, Any]:
    """What others see of an account, to be compared."""
    names = (
        "display_name", "note", "avatar", "avatar_description", "header", "header_description",
        "locked", "actor_type", "discoverable", "indexable", "hide_collections", "fields",
        "attribution_domains", "emojis",
    )  # fmt: skip
    return {name: getattr(account, name) for name in names}


async def _set_pictures(tx: Transaction, account: Account, changes: Changes) -> None:
    gone = []
    for kind in ("avatar", "header"):
        key, description = getattr(changes, kind), getattr(changes, f"{kind}_description")
        if key is not None:
            if (old := getattr(account, kind)) and old != key:
                gone.append(old)
            setattr(account, kind, key or None)
            setattr(account, f"{kind}_description", "")
        if description is not None:
            words = text.clean(description).strip()
            if len(words) > MAX_DESCRIPTION:
                raise Invalid(f"A description has at most {MAX_DESCRIPTION} characters here.")
            setattr(account, f"{kind}_description", words)
    await forgetting.discard_files(tx, gone)


async def _set_words(tx: Transaction, account: Account, changes: Changes) -> None:
    if changes.display_name is not None:
        name = text.name(changes.display_name, accounts.MAX_DISPLAY_NAME + 1)
        if len(name) > accounts.MAX_DISPLAY_NAME:
            raise Invalid(f"A display name has at most {accounts.MAX_DISPLAY_NAME} characters.")
        account.display_name = name
    if changes.note is not None:
        note = text.clean(changes.note).strip()
        if len(note) > MAX_NOTE:
            raise Invalid(f"A note has at most {MAX_NOTE} characters.")
        account.note_source, account.note = note, await _html(tx, note)
    if changes.fields is not None:
        lines = [await _line(tx, line) for line in changes.fields if line.name or line.value]
        if len(lines) > MAX_FIELDS:
            raise Invalid(f"A profile has at most {MAX_FIELDS} fields.")
        since = {entry.get("source"): entry.get("verified_at") for entry in account.fields}
        account.fields = [_still_verified(line, since.get(line["source"])) for line in lines]
        if unverified(account):
            payload, key = {"account_id": account.id}, f"{VERIFY} {account.id}"
            await enqueue(tx, VERIFY, payload, delay=VERIFY_DELAY, unique_key=key)
    words = (line[part] for line in account.fields for part in ("name", "value"))
    account.emojis = await emojis.used(tx, account.display_name, account.note_source, *words)


async def _line(session: Session, line: Line) -> dict[str, str]:
    name = text.name(line.name, MAX_FIELD + 1)
    value = text.name(line.value, MAX_FIELD + 1)
    if max(len(name), len(value)) > MAX_FIELD:
        raise Invalid(f"A field has at most {MAX_FIELD} characters.")
    if not name:
        raise Invalid("A field needs a name.")
    html = (await _html(session, value)).removeprefix("<p>").removesuffix("</p>")
    html = html.replace(LINK, LINK_OF_ME)  # as other servers get it
    return {"name": name, "value": html, "source": value}


def _still_verified(line: dict[str, str], since: str | None) -> dict[str, str]:
    return line if since is None else {**line, "verified_at": since}


def unverified(account: Account) -> list[str]:
    """The pages that a profile names, each alone in its field, and that were not seen to name it
    back."""
    return [
        entry["source"]
        for entry in account.fields
        if "verified_at" not in entry and _PAGE.fullmatch(entry.get("source", ""))
    ]


async def verified(tx: Transaction, account_id: int, pages: Collection[str]) -> None:
    """Pages were seen to name a profile back: those of its fields that still name them say so."""
    query = select(Account).where(col(Account.id) == account_id).with_for_update()
    account = (await tx.exec(query)).first()
    if account is None:
        return
    now = tx.now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    waiting = set(unverified(account)) & set(pages)
    account.fields = [
        {**entry, "verified_at": now} if entry.get("source") in waiting else entry
        for entry in account.fields
    ]
    tx.add(account)
    await tx.flush()


def value(account: Account, entry: Mapping[str, str]) -> str:
    """What stands in a field, as HTML. Links of ours say `rel="me"`: what they lead to can say back
    that both are the same."""
    html = text.sanitise(entry.get("value", ""))
    return html.replace(LINK, LINK_OF_ME) if account.local else html


async def _html(session: Session, typed: str) -> str:
    known = await accounts.by_handles(session, text.handles(typed))
    named = {
        handle: text.Named(account.acct, account.url or account.uri)
        for handle, account in known.items()
    }
    return text.render(typed, named, session.instance.url).html


def _domains(names: Sequence[str]) -> list[str]:
    found = [domains.checked(_bare(name)) for name in names if name.strip()]
    if len(found) > MAX_ATTRIBUTION_DOMAINS:
        raise Invalid(f"At most {MAX_ATTRIBUTION_DOMAINS} domains can name you as an author.")
    return list(dict.fromkeys(found))


def _bare(name: str) -> str:
    """A domain, of what people paste in its place."""
    return name.strip().removeprefix("https://").removeprefix("http://").strip("/").lower()


async def prefer(tx: Transaction, account: Account, chosen: Mapping[str, Any]) -> None:
    """Keep how somebody usually posts and reads.

    Args:
        account: a local account.
        chosen: by the names that Mastodon gives them; the others stay.

    Raises:
        Invalid: something is none of what it can be.
    """
    visibility = chosen.get("posting:default:visibility", "public")
    if visibility not in drafts.VISIBILITIES:
        raise Invalid(f"The visibility is one of {', '.join(drafts.VISIBILITIES)}.")
    if chosen.get("posting:default:quote_policy", "public") not in QUOTERS:
        raise Invalid(f"Who may quote is one of {', '.join(QUOTERS)}.")
    drafts.check(drafts.Draft(language=chosen.get("posting:default:language")))
    login = await tx.get_one(Login, account.id)
    login.preferences = {**login.preferences, **chosen}
    tx.add(login)
    await tx.flush()
