"""Whose files may be shown here: the one place where that is asked."""

from __future__ import annotations

from fedi.runtime import Easel
from fedi.social import domains


async def shown_here(easel: Easel, host: str) -> bool:
    """Whether files of a server may be fetched and shown: not where the host's rules say no."""
    rules = await domains.of(easel)
    rule = rules.of(host)
    return not (rules.suspended(host) or (rule is not None and rule.reject_media))
