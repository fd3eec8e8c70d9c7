"""Hostile strings in each column in which somebody's words lie: into those that exist, whatever
they held. What they are kept from by checks where they come in is not asked here, only what the
pages make of them: so each page is safe by itself.

A column of text is named here or fails `unnamed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from typing import Any

import sqlalchemy
from sqlalchemy import JSON, Column, String, Table, select, update
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from fedi.social import text
from tests.attacks.content import MARKUP
from tests.rig import Instance
from tests.web.test_hostile import HTML, STRINGS

# Those that are nothing but long are posts of their own.
LONGEST = 2000  # characters
EVERY = (*STRINGS, *HTML, *MARKUP.values())
HOSTILE = [one for one in EVERY if len(one) <= LONGEST]
LONG = [one for one in EVERY if len(one) > LONGEST]
ADDRESSES = [
    'https://evil.example/"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    " jav\tascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "https://evil.example/' onmouseover='alert(1)",
    "vbscript:x",
]


def words(column: str, number: int) -> str:
    """All hostile strings after the name of the column, each row's from another one on: what is
    cut short shows each of them somewhere."""
    at = number % len(HOSTILE)
    return f"{column} " + " ".join(HOSTILE[at:] + HOSTILE[:at]).replace("\0", "")


def markup(column: str, number: int) -> str:
    """The same as HTML, as all is kept that is shown as such: made harmless when it came."""
    at = number % len(HOSTILE)
    kept = [text.sanitise(one) for one in HOSTILE[at:] + HOSTILE[:at]]
    return f"<p>{column}</p>" + "".join(kept)


def address(column: str, number: int) -> str:
    """What was said to be an address."""
    return ADDRESSES[number % len(ADDRESSES)]


Kind = Callable[[str, int], str]
# Columns of words, and how they are filled; those of JSON by the names of what is filled in them,
# `*` for every string.
FILLED: dict[str, Kind | dict[str, Kind]] = {
    **dict.fromkeys(
        (
            "account.avatar_description", "account.display_name", "account_domain_block.domain",
            "account.header_description", "account.note_source", "account_warning.text",
            "application.name", "audit_entry.actor",
            "audit_entry.target", "custom_emoji.category",
            "domain_rule.domain", "email_domain_block.domain",
            "dataset_export.purpose", "dataset_export.recipient", "domain_rule.private_comment",
            "domain_rule.public_comment", "filter.title", "filter_keyword.keyword",
            "import_line.error", "invite.comment", "ip_block.comment", "job.error", "job.lane",
            "link_preview.description", "link_preview.title",
            "login.email", "login.reason", "media_attachment.ai_prompt",
            "media_attachment.ai_system", "media_attachment.ai_system_version",
            "media_attachment.described_by",
            "media_attachment.description",
            "model_pull.error", "painter.device", "painter.name",
            "painting.description", "painting.error", "passkey.name", "peer_host.error",
            "reaction.name", "report.comment", "rule.hint", "rule.text", "scheduled_status.error",
            "status.generator", "status.language", "status.source", "status.spoiler_text",
            "status_edit.spoiler_text", "user_list.title",
        ),
        words,
    ),
    **dict.fromkeys(
        ("account.note", "announcement.content", "status.content", "status_edit.content"), markup
    ),
    **dict.fromkeys(
        (
            "application.website", "link_preview.author_url", "link_preview.image_url",
            "link_preview.provider_url", "link_preview.url", "media_attachment.remote_url",
            "reaction.url", "account.url", "status.url",
        ),
        address,
    ),
    "account.fields": {"name": words, "value": markup, "source": words},
    "audit_entry.details": {"*": words},
    "import_line.entry": {"*": words},
    "media_attachment.recipe": dict.fromkeys(("prompt", "negative_prompt", "model"), words),
    "painter.models": {"*": words},
    "painting.recipe": dict.fromkeys(("prompt", "negative_prompt", "model"), words),
    "poll.options": {"title": words},
    "scheduled_status.draft": {"text": words, "spoiler_text": words},
    "status_edit.media": {"description": words},
    "status_edit.poll": {"*": words},
}  # fmt: skip
# Where only some rows are filled: those of ours lead to pages of ours.
ONLY = {
    "account.url": "domain IS NOT NULL",
    # Of ours the prompts trend, by their words.
    "media_attachment.ai_prompt": "remote_url IS NOT NULL",
    "status.url": "NOT local",
}

# Those that are not filled, by patterns, and why.
KEPT = {
    "none of it is on a page": (
        "access_token.name", "account_note.comment", "announcement.source", "conversation.*",
        "browser_session.user_agent", "for_you*", "idempotency_key.*", "inbox_activity.*",
        "job.payload", "link_preview.author_name", "link_preview.provider_name",
        "link_preview.error", "link_preview.language", "mark.*", "model_pull.server",
        "outbox_activity.*", "outgoing_activity.*", "painting.draft", "painting.judgement",
        "painting.language", "peer_host.signature", "picture_look.*", "picture_term.words",
        "remote_file.*", "relay.*", "severance.*", "status.approval",
        "status.audience", "status.details", "status.interaction_policy", "trend.words",
        "trend_signal.*",
        "login.preferences", "login.digest", "login.browsers", "login.address", "login.locale",
        "push_subscription.*", "quote.*", "second_factor.*", "painting.begun_post",
        "painting.held", "painting.model", "painting.needs", "painting.share",
    ),
    "no page has it here: the picture was not fetched; settings are given as such": (
        "link_preview.image_description", "setting.value",
    ),
    "secrets, keys and digests, which we make or which are checked as such": (
        "*_hash", "*_hashes", "*digest*", "*.key", "*_key", "*_key_id", "*_pem", "*.key_id",
        "*.secret", "*_challenge", "*.credential_id", "instance_secret.*", "*.blurhash",
        "invite.code", "media_attachment.digital_source_type", "mail_link.*",
    ),
    "one of a few words of ours": (
        "*.state", "*.kind", "*.type", "*_type", "*.action", "*.role", "*.severity",
        "*.purpose", "*.runner", "*.category", "*.context", "*.ai", "*.visibility", "*.reason",
        "*.made_by", "*.timeline", "*_policy", "notification_policy.*", "*.scopes", "setting.name",
        "*.credit", "*.licence", "account.training_*", "*.languages", "painter.abilities",
    ),
    "places of our own files": ("*.file", "*_file", "account.avatar", "account.header"),
    "ids and addresses, parsed when they came, and followed by `safe_link`": (
        "*uri", "*_uris", "*.status_ids", "*.rule_ids", "status.approved_by", "account.*also*",
        "application.client_id", "account.attribution_domains", "*.group_key",
    ),
    "names that are checked when they come": (
        "account.username", "account.handle", "*.domain", "*.host", "*.shortcode", "*.emojis",
        "tag.*", "announcement_reaction.name", "ip_block.ip", "model_pull.key",
    ),
}  # fmt: skip


def columns() -> Iterator[tuple[str, Table, Column[Any]]]:
    """The columns of text of all tables, and those of JSON."""
    for table in SQLModel.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, String | AutoString | JSON):
                yield f"{table.name}.{column.name}", table, column


def unnamed() -> set[str]:
    """Columns of text that are neither filled nor kept for a reason."""
    patterns = [pattern for several in KEPT.values() for pattern in several]
    names = {name for name, _, _ in columns()}
    return {
        name
        for name in names - FILLED.keys()
        if not any(fnmatch(name, pattern) for pattern in patterns)
    }


def shown(filled: set[str]) -> set[str]:
    """Of the columns that were filled those whose name is in what they hold."""
    return {name for name in filled if FILLED[name] is not address}


async def fill(instance: Instance) -> set[str]:
    """Put hostile strings wherever something is.

    Returns the columns in which something was.
    """
    filled: set[str] = set()
    async with instance.easel.database.write() as tx:
        for name, table, column in columns():
            how = FILLED.get(name)
            if how is None:
                continue
            keys = list(table.primary_key.columns)
            which = sqlalchemy.text(ONLY.get(name, "true"))
            query = select(column, *keys).where(column.is_not(None), which)
            rows = (await tx.execute(query)).all()
            for number, (old, *key) in enumerate(rows):
                new = _filled(name, old, how, number)
                if new == old:
                    continue
                filled.add(name)
                this = [one == value for one, value in zip(keys, key, strict=True)]
                await tx.execute(update(table).where(*this).values({column.name: new}))
    return filled


def _filled(name: str, old: Any, how: Kind | dict[str, Kind], number: int, key: str = "*") -> Any:
    """What was there, with hostile strings in the place of those to be filled."""
    if isinstance(old, dict):
        return {one: _filled(name, entry, how, number, one) for one, entry in old.items()}
    if isinstance(old, list):
        return [_filled(name, entry, how, number, key) for entry in old]
    if not isinstance(old, str) or not old:
        return old
    kind = how if callable(how) else how.get(key) or how.get("*")
    return kind(name, number) if kind else old
