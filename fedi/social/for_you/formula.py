"""How well a picture fits a reader, and why it is shown: the formula and its constants.

What somebody did with a picture says so much about what it is about (`ACTS`):

    1  for liking or reacting to it
    2  for keeping or boosting it
    3  for remixing it, or «more like this»; as much against it for «less like this»

It fades: after `HALF_LIFE` days it says half. For each feature (an author, a hashtag, words of a
prompt, something that a model sees in it) all of it together is the reader's liking w, and

    liking(f) = sign(w) * log2(1 + |w|) * weight of the kind

so that the hundredth like of a hashtag adds little, and one thing never drowns the others. A
hashtag that the reader follows counts as `FOLLOWED_TAG` likes. What is everywhere says little: with
r pictures of it a day a feature weighs 1 / (1 + log10(1 + r)). A picture fits by what it has of it,
at most `MOST_OF_KIND` of each kind, and by the one picture among those of the reader's acts that it
looks most like (`alike`):

    fit = sum / (|sum| + ENOUGH)

    score = (1 - fresh) * (fit + FRIENDS * n / (n + 2) + tie) + fresh * 2 ** (-age / FADING)

n are the people whom the reader follows, and who liked or boosted it; tie is `TIE` times what the
reader's slider says for makers whom they follow, or for those whom they do not. The share of
`surprise` has no reason but that it is new to them: without it a feed narrows by itself.

Why these constants:

    HALF_LIFE  30 d   People's tastes last for months; what one liked a season ago is a whisper.
    FADING     36 h   Between what a home timeline is for (hours) and what pictures live (weeks).
    WINDOW     30 d   What is older is found by searching.
    AUTHORS    2      pictures by one maker among `SPREAD`: a page is never somebody's gallery.
    LOOK       0.7    What a model sees says less than a hashtag, which somebody chose, and more
                      than one word of a prompt, which may be about anything.
    NEAR       0.3    Of 256 bits half differ by chance, with 3 in a hundred of error: nothing is as
                      near as this by chance. But pictures have more in common than chance, some
                      models more than others: so what is near must also be a fifth nearer than
                      half of what may be shown (`STANDS_OUT`).
    ALIKE      1.5    The very same picture is worth more than a hashtag, and half as near is less.
    THEMES     8      pictures for one and the same reason among as many.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from fedi.social.for_you.features import Feature, Kind
from generation.recognition import SKETCH_BITS

ACTS: Mapping[str, float] = {
    "like": 1.0,
    "keep": 2.0,
    "boost": 2.0,
    "remix": 3.0,
    "more": 3.0,
    "less": -3.0,
}
WEIGHTS: Mapping[int, float] = {
    Kind.AUTHOR: 1.2, Kind.TAG: 1.0, Kind.TERM: 0.6, Kind.PHRASE: 0.8, Kind.LOOK: 0.7,
}  # fmt: skip
HALF_LIFE = timedelta(days=30)
FOLLOWED_TAG = 3.0
MOST_OF_KIND = 3
ENOUGH = 3.0  # two or three likings are half of a perfect fit
FRIENDS = 0.3
TIE = 0.6
NEAR, STANDS_OUT = 0.3, 0.8
TO_STAND_OUT_OF = 12  # pictures: of fewer nobody knows how near they usually are
ALIKE = 1.5
FADING = timedelta(hours=36)
WINDOW = timedelta(days=30)
DAY = timedelta(days=1)
_FADING_HOURS = FADING / timedelta(hours=1)
SPREAD = 24  # pictures, one after another: the longest page
AUTHORS, THEMES = 2, 8


@dataclass(frozen=True, slots=True)
class Liking:
    """What a reader did with pictures that have a feature.

    Attributes:
        strength: see above; below 0 it speaks against them.
        weight: what all of that says together.
        posts: how many such pictures they liked, kept, boosted, remixed, or wanted more of.
        acts: what of that they did.
        followed: of a hashtag, whether they follow it.
    """

    strength: float
    weight: float = 0.0
    posts: int = 0
    acts: frozenset[str] = frozenset()
    followed: bool = False


def faded(act: str, age: timedelta) -> float:
    """What an act says after some time."""
    return float(ACTS[act] * 0.5 ** (max(age, timedelta()) / HALF_LIFE))


def strength(kind: int, weight: float) -> float:
    """The liking for a feature, by all that was done with pictures that have it."""
    return math.copysign(math.log2(1 + abs(weight)) * WEIGHTS[kind], weight)


def rarity(count: int, days: float) -> float:
    """How much a feature says, of which there are so many pictures in so many days, the last."""
    return 1 / (1 + math.log10(1 + count / max(days, 1)))


def alike_below(nearest: Sequence[int]) -> float:
    """How many bits of two sketches may differ at most for one picture to look like another.

    Args:
        nearest: by how many each picture that may be shown differs from what it is nearest to.
    """
    limit = NEAR * SKETCH_BITS
    if len(nearest) < TO_STAND_OUT_OF:
        return limit
    return max(1.0, min(limit, STANDS_OUT * median(nearest)))


def alike(distance: float, weight: float) -> float:
    """What it says for a picture that it looks like one that the reader did something with.

    Args:
        distance: from 0, the very same, to 1, hardly.
        weight: of what they did.
    """
    return ALIKE * (1 - distance) * math.copysign(math.log2(1 + abs(weight)), weight)


def fit(found: Sequence[tuple[Feature, float]]) -> float:
    """How well a picture with these likings fits: from -1 to 1."""
    total = 0.0
    if len(found) <= MOST_OF_KIND:  # so it is nearly always
        for _, liking in found:
            total += liking
    else:
        kinds: dict[int, list[float]] = {}
        for (kind, _), liking in found:
            kinds.setdefault(kind, []).append(liking)
        for likings in kinds.values():
            total += sum(sorted(likings, key=abs, reverse=True)[:MOST_OF_KIND])
    return total / (abs(total) + ENOUGH)


def score(
    fitting: float, *, friends: int, followed: bool, age: float, follows: int, fresh: int
) -> float:
    """What puts a picture in its place.

    Args:
        fitting: by `fit`.
        friends: people whom the reader follows, and who liked or boosted it.
        followed: whether the reader follows its maker.
        age: of the post, in hours.
        follows, fresh: what the reader chose, in percent.
    """
    share = fresh / 100
    tie = TIE * (follows if followed else 100 - follows) / 100
    newness = float(0.5 ** (max(age, 0.0) / _FADING_HOURS))
    return (1 - share) * (fitting + FRIENDS * friends / (friends + 2) + tie) + share * newness
