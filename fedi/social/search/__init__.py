"""Finding posts, people and hashtags.

`statuses.find`, `people.find` and `tags.find` each take a session, who looks, and what for. The
index behind them is FTS5 on SQLite and full-text search on PostgreSQL (`index`).
"""

from __future__ import annotations

from fedi.social.search import people, statuses, tags
from fedi.social.search.asking import Asked, understand

__all__ = ["Asked", "people", "statuses", "tags", "understand"]
