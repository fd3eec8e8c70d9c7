"""The durable queue: `enqueue` in the transaction that asks, `handles` to do, `Runner` to run."""

from __future__ import annotations

from fedi.jobs.queue import NewJob, enqueue, enqueue_many
from fedi.jobs.registry import Backoff, Claimed, GiveUp, Postpone, Retry, chore, finish_all, handles
from fedi.jobs.runner import Runner

__all__ = [
    "Backoff",
    "Claimed",
    "GiveUp",
    "NewJob",
    "Postpone",
    "Retry",
    "Runner",
    "chore",
    "enqueue",
    "enqueue_many",
    "finish_all",
    "handles",
]
