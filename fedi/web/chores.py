"""What waits for those who run this instance, as each of them may do something about it."""

from __future__ import annotations

from dataclasses import dataclass

from fedi.database import Session
from fedi.database.tables import Login
from fedi.social import reports, roster, staff
from fedi.studio import reviews


@dataclass(frozen=True, slots=True)
class Chores:
    """How many of each kind wait.

    Attributes:
        reports: that nobody has settled.
        joining: people who ask to be let in.
        pictures: that are shown to nobody before somebody has looked at them.
    """

    reports: int = 0
    joining: int = 0
    pictures: int = 0

    @property
    def total(self) -> int:
        return self.reports + self.joining + self.pictures


async def of(session: Session, login: Login) -> Chores:
    """What waits for somebody."""
    settles, admits = staff.may(login, "reports"), staff.may(login, "users")
    return Chores(
        reports=await reports.count(session) if settles else 0,
        joining=await roster.count_asking(session) if admits else 0,
        pictures=await reviews.count(session) if settles else 0,
    )
