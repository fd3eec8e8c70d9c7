"""Triggers that write down what the search must look at again (`search_change`), with what somebody
did something that the trends count (`trend_change`), and of which post it is to be found out what
its pictures are about (`picture_change`).

They see every change, also those of many rows at once. They are not part of any migration: SQLite
changes a table by making it anew, which triggers would neither survive nor permit. So they are
taken away before migrations run, and made again after them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, inspect, text

PREFIX, TREND_PREFIX, PICTURE_PREFIX = "search_of_", "trend_by_", "picture_by_"


@dataclass(frozen=True)
class Watch:
    """When rows of `table` change so that what they belong to is to be found otherwise.

    event: INSERT, UPDATE OF columns, or DELETE. row: NEW or OLD. key: the column that names what
    is to be looked at. condition: in SQL, with `{row}` for the row, and `{differs}` for a
    comparison that knows NULL.
    """

    table: str
    event: str
    kind: str
    key: str
    condition: str = ""
    row: str = "NEW"
    log = "search_change"  # where it is written down

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.kind}_by_{self.table}_{self.event.split()[0].lower()}"

    @property
    def note(self) -> str:
        return (
            "INSERT INTO search_change (kind, row_id) "
            f"VALUES ('{self.kind}', {self.row}.{self.key})"
        )


@dataclass(frozen=True)
class Act(Watch):
    """When somebody did something with a post. kind: which column says who; key: which post, in
    SQL, with `{row}` for the row."""

    log = "trend_change"

    @property
    def name(self) -> str:
        return f"{TREND_PREFIX}{self.table}_{self.event.split()[0].lower()}"

    @property
    def note(self) -> str:
        return (
            "INSERT INTO trend_change (status_id, account_id) "
            f"VALUES ({self.key.format(row=self.row)}, {self.row}.{self.kind})"
        )


@dataclass(frozen=True)
class Hanging(Watch):
    """When a post gets pictures, or what is told of them changes. key: the column with its id."""

    log = "picture_change"

    @property
    def name(self) -> str:
        return f"{PICTURE_PREFIX}{self.table}_{self.event.split()[0].lower()}"

    @property
    def note(self) -> str:
        return f"INSERT INTO picture_change (status_id) VALUES ({self.row}.{self.key})"


# Most of what comes may never be found by words; it is not even written down.
_FOUND_BY_ALL = (
    "{row}.local OR ({row}.visibility = 'public' AND EXISTS "
    "(SELECT 1 FROM account WHERE account.id = {row}.account_id AND account.indexable))"
)
_OURS = "EXISTS (SELECT 1 FROM account WHERE account.id = {row}.account_id AND domain IS NULL)"
_OF_A_POST = "{row}.status_id IS NOT NULL"
_PICTURED = (
    "EXISTS (SELECT 1 FROM media_attachment WHERE media_attachment.status_id = {row}.id) "
    "OR EXISTS (SELECT 1 FROM picture_feature WHERE picture_feature.status_id = {row}.id)"
)
_NAMES = ("username", "display_name", "domain", "suspended_at", "deleted_at")
# A boost is about what it boosts; what few may see is no trend.
_ACTED_ON = "COALESCE({row}.reblog_of_id, {row}.id)"
_OPEN = "{row}.visibility IN ('public', 'unlisted')"
_VOICE = ("silenced_at", "suspended_at", "deleted_at")
_WHO = "account_id"


def _columns(row: str, names: tuple[str, ...] = _NAMES) -> str:
    return ", ".join(f"{row}.{name}" for name in names)


WATCHES = (
    Watch(
        "status", "INSERT", "status", "id", f"{{row}}.reblog_of_id IS NULL AND ({_FOUND_BY_ALL})"
    ),
    Watch(
        "status",
        "UPDATE OF content, spoiler_text, deleted_at, language",
        "status",
        "id",
        "{row}.reblog_of_id IS NULL",
    ),
    Watch("status", "DELETE", "status", "id", row="OLD"),
    Watch("media_attachment", "INSERT", "status", "status_id", f"{_OF_A_POST} AND {_OURS}"),
    Watch(
        "media_attachment",
        "UPDATE OF status_id, description, ai_prompt, share_recipe",
        "status",
        "status_id",
        _OF_A_POST,
    ),
    Watch("mention", "INSERT", "status", "status_id", _OURS),
    Watch("favourite", "INSERT", "status", "status_id", _OURS),
    Watch("account", "INSERT", "account", "id"),
    Watch(
        "account",
        f"UPDATE OF {', '.join(_NAMES)}",
        "account",
        "id",
        f"({_columns('NEW')}) {{differs}} ({_columns('OLD')})",
    ),
    Watch("account", "UPDATE OF indexable", "author", "id", "NEW.indexable AND NOT OLD.indexable"),
    Watch("account", "DELETE", "account", "id", row="OLD"),
    Act("favourite", "INSERT", _WHO, "{row}.status_id"),
    Act("favourite", "DELETE", _WHO, "{row}.status_id", row="OLD"),
    Act("reaction", "INSERT", _WHO, "{row}.status_id"),
    Act("reaction", "DELETE", _WHO, "{row}.status_id", row="OLD"),
    Act("status", "INSERT", _WHO, _ACTED_ON, _OPEN),
    Act("status", "UPDATE OF deleted_at, content, visibility, approval", _WHO, _ACTED_ON),
    Act("status", "DELETE", _WHO, _ACTED_ON, _OPEN, row="OLD"),
    Act(
        "media_attachment",
        "UPDATE OF ai_prompt, share_recipe",
        _WHO,
        "{row}.status_id",
        _OF_A_POST,
    ),
    Act(
        "account",
        f"UPDATE OF {', '.join(_VOICE)}",
        "id",
        "0",
        f"({_columns('NEW', _VOICE)}) {{differs}} ({_columns('OLD', _VOICE)})",
    ),
    Hanging("media_attachment", "INSERT", "picture", "status_id", _OF_A_POST),
    Hanging(
        "media_attachment",
        "UPDATE OF status_id, type, ai_prompt, share_recipe",
        "picture",
        "status_id",
        _OF_A_POST,
    ),
    Hanging(
        "status",
        "UPDATE OF content, spoiler_text, sensitive, deleted_at, visibility, approval, edited_at",
        "picture",
        "id",
        _PICTURED,
    ),
)


def drop(connection: Connection) -> None:
    """Take all of them away."""
    if connection.dialect.name == "sqlite":
        found = connection.execute(
            text(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' "
                "AND (name LIKE :search OR name LIKE :trend OR name LIKE :picture)"
            ),
            {
                "search": f"{PREFIX}%",
                "trend": f"{TREND_PREFIX}%",
                "picture": f"{PICTURE_PREFIX}%",
            },
        )
        for name in found.scalars().all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        return
    for watch in WATCHES:
        connection.execute(text(f"DROP FUNCTION IF EXISTS {watch.name}() CASCADE"))


def create(connection: Connection) -> None:
    """Make them, where the tables are there."""
    tables = set(inspect(connection).get_table_names())
    for watch in WATCHES:
        if watch.table in tables and watch.log in tables:
            for statement in _statements(watch, connection.dialect.name):
                connection.execute(text(statement))


def _statements(watch: Watch, dialect: str) -> list[str]:
    note = watch.note
    differs = "IS NOT" if dialect == "sqlite" else "IS DISTINCT FROM"
    condition = watch.condition.format(row=watch.row, differs=differs)
    if dialect == "sqlite":
        when = f"WHEN {condition} " if condition else ""
        return [
            f"CREATE TRIGGER {watch.name} AFTER {watch.event} ON {watch.table} {when}"
            f"BEGIN {note}; END"
        ]
    body = f"IF {condition} THEN {note}; END IF;" if condition else f"{note};"
    return [
        f"CREATE FUNCTION {watch.name}() RETURNS trigger AS $$ BEGIN {body} RETURN NULL; END $$ "
        "LANGUAGE plpgsql",
        f"CREATE TRIGGER {watch.name} AFTER {watch.event} ON {watch.table} "
        f"FOR EACH ROW EXECUTE FUNCTION {watch.name}()",
    ]
