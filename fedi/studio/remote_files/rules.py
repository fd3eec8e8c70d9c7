"""Whose files may be shown here: the one place where that is asked."""

from __future__ import annotations

from fedi.runtime import Easel


async def shown_here(easel: Easel, host: str) -> bool:
    """Whether files of a server may be fetched and shown."""
    return True
