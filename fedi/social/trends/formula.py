"""How much something is talked about: the formula, its constants, and why they are so.

What is counted are people, not acts. For each subject (a post, a hashtag, a link, a prompt, a
chain of remixes) each person counts once, by the strongest thing that they did and the last time
that they did something:

    1  for liking, reacting to, or using it (`LIKE`, `USE`)
    2  for boosting it (`BOOST`): who boosts shows it to others under their own name
    3  for remixing it (`REMIX`): that is work

What an author does with their own post counts nothing, and neither does answering or quoting a
post: people answer most what they are angry about.

An act fades: after `HALF_LIFE` hours it weighs half. So a person's voice is

    v = weight * 2 ** (-hours since / HALF_LIFE)

People of one server are one crowd, because whoever runs a server can make as many people as they
like, and because what a server likes its own people see anyway. A crowd counts by the square root
of its voices (`SHARE`), so that four people of one server weigh as two of different ones:

    score = sum over servers of sqrt(established + min(easy, one person))

`easy` are the voices that cost nothing: of accounts that are younger than `NEWCOMER`, and of
programs. Each weighs a quarter (`EASY`), and all of one server together weigh at most as one
person who likes it now. So a brigade of a thousand accounts that were made for it has one voice,
and a thousand more change nothing; and nobody can lower a score by liking. Who is silenced or
suspended has no voice at all, also for what they did before. Servers that are named below one
domain are one server (`LABELS`), because names below a domain cost nothing either. A brigade of
several domains has one voice of each: as much as one person of each of so many servers.

An account is as young as it says, but never older than this instance has known it: another server
may say of its people that they have been there for ten years. That their server has long been
known does not vouch for them either, because one account that waits would do for a thousand. So
whoever does something here for the first time is a newcomer, honest or not, of all servers alike.

Something trends from two voices on (`MIN_VOICES`): established people, and the newcomers of a
server as one. One person's hashtag is no trend, and neither is one brigade on a quiet day.

Why these constants:

    HALF_LIFE  12 h   The root makes of it a day for the score. Instances of some hundred people
                      have a few acts an hour: with the hour or two of large servers a page of
                      trends would be empty every morning.
    NEWCOMER   7 d    Longer than a brigade that is made for an occasion waits, and shorter than
                      people who join have patience. On an instance that is younger than two weeks
                      it is half of its age, or nobody there would have a voice: whom it knew in the
                      first half is established, wherever they are.
    EASY       1/4    Three honest newcomers and an old hand of a server are still a crowd.
    KEPT       7 d    Of 14 half-lives 1/16,000 is left; and Mastodon's histories are so long.
    WINDOW     3 d    How long something stays without anything new: on a quiet instance the decay
                      alone would never take it away. A post trends at most so long after it was
                      posted; an old one that somebody found again is shown by boosts.

Decay is the same for all, so it changes no order: a score is kept as it would be seen from the
first hour of 1970 on, as a power of two (`rank`). One more is twice as much; a day ago is one less.
Nothing has to be touched when time goes by, and what changed is counted alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LIKE, USE, BOOST, REMIX = 1.0, 1.0, 2.0, 3.0
HALF_LIFE = 12  # hours, of a voice
SHARE = 0.5  # the power of a crowd
SCORE_HALF_LIFE = HALF_LIFE / SHARE  # hours
EASY = 0.25
NEWCOMER = timedelta(days=7)
MIN_VOICES = 2
KEPT = timedelta(days=7)
WINDOW = timedelta(days=3)
LABELS = 2  # of a name that make a domain; where a registry has three, its hosts share

PROGRAMS = ("Service", "Application")  # types of actors that are no people
HERE = ""  # this server among others


@dataclass(frozen=True, slots=True)
class Crowd:
    """People of one server who last did something with a subject in the same hour.

    Attributes:
        server: by its domain.
        easy: whether their voices cost nothing.
        hour: since 1970; of the last act.
        weight: of all of them together.
        people: how many.
        began: the hour of their first act.
    """

    server: str
    easy: bool
    hour: int
    weight: float
    people: int
    began: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How much a subject is talked about, and by whom.

    Attributes:
        rank: the score as a power of two, seen from 1970.
        voices: established people, and the newcomers of a server as one.
        people, servers: how many they are, whatever they weigh.
        began, last: hours since 1970.
    """

    rank: float
    voices: int
    people: int
    servers: int
    began: int
    last: int


def hour_of(moment: datetime) -> int:
    """The hour in which something happened, since 1970."""
    return int(moment.timestamp()) // 3600


def moment_of(hour: int) -> datetime:
    """When an hour begins."""
    return datetime.fromtimestamp(hour * 3600, UTC)


def newcomer_for(instance_age: timedelta) -> timedelta:
    """How long somebody is a newcomer, on an instance of this age."""
    return min(NEWCOMER, instance_age / 2)


def server_of(domain: str | None) -> str:
    """Which crowd somebody belongs to.

    Args:
        domain: of the account; None is here.
    """
    return HERE if domain is None else ".".join(domain.split(".")[-LABELS:])


def standing(crowds: Iterable[Crowd]) -> Standing | None:
    """What comes of the crowds of a subject; None where there are none."""
    found = list(crowds)
    if not found:
        return None
    last = max(crowd.hour for crowd in found)
    established: dict[str, float] = {}
    easy: dict[str, float] = {}
    most: dict[str, float] = {}  # what one person weighs who likes it when the last newcomer did
    voices = 0
    for crowd in found:
        left = 2.0 ** ((crowd.hour - last) / HALF_LIFE)
        if crowd.easy:
            easy[crowd.server] = easy.get(crowd.server, 0.0) + crowd.weight * left
            most[crowd.server] = max(most.get(crowd.server, 0.0), LIKE * left)
        else:
            established[crowd.server] = established.get(crowd.server, 0.0) + crowd.weight * left
            voices += crowd.people
    servers = established.keys() | easy.keys()
    score = sum(
        (established.get(name, 0.0) + min(easy.get(name, 0.0), most.get(name, 0.0))) ** SHARE
        for name in servers
    )
    return Standing(
        rank=math.log2(score) + last / SCORE_HALF_LIFE,
        voices=voices + len(easy),
        people=sum(crowd.people for crowd in found),
        servers=len(servers),
        began=min(crowd.began for crowd in found),
        last=last,
    )


def score_at(rank: float, hour: int) -> float:
    """What a rank is worth in an hour."""
    return float(2.0 ** (rank - hour / SCORE_HALF_LIFE))
