"""What a picture is about: its author, its hashtags, words of its prompt if that is shared, and
what a model sees in it if one was pulled. What it looks like is found for each reader
(`likeness`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum

from fedi.social.search.words import words
from fedi.social.trends.subjects import number_of
from generation.concepts import CONCEPTS, Concept


class Kind(IntEnum):
    """Of a feature, with what its value is."""

    ANY = 0  # 0: every picture has it
    AUTHOR = 1  # an account
    TAG = 2  # a hashtag
    TERM = 3  # the number of a word
    PHRASE = 4  # the number of several
    LOOK = 5  # the number of a concept that a model sees in it
    ALIKE = 6  # a post whose picture it looks like; of one reader's, and in no table


Feature = tuple[int, int]  # kind and value
EVERY: Feature = (Kind.ANY, 0)

MAX_TERMS = 12  # of one post: more say nothing more about it
MAX_PROMPT = 1000  # characters of a prompt that are looked at
SHORTEST = 3  # letters
MOST_WORDS = 3  # between two commas that make a phrase, such as "soft light"

_PARTS = re.compile(r"[,;.()\[\]{}|\n]+")
# Words of prompts that say how good a picture is to be, or nothing at all.
_EMPTY = frozenset(
    """
    about above all also and another any around art artwork are artstation back background
    been beautiful behind below best beside between big both but can cfg composition detail
    detailed details down each epic even every extremely few for from front full good great
    has have her high highly him his hyper illustration image images incredible intricate into
    its just large left like little lora made make many masterpiece more most much near new
    not off old one only onto other out over own perfect photo photograph photography picture
    pictures quality really realistic render resolution right same score sharp she shot shows
    small some standing steps style stunning such than that the their them then there they
    this three through top trending two ultra under upon use very view was wearing were what
    when where which while who with work you your
    """.split()  # noqa: SIM905
)
# By their words: the list may be put in another order, and added to.
_CONCEPTS = {number_of(f"look:{one.words}"): one for one in CONCEPTS}
_NUMBERS = {one.words: number for number, one in _CONCEPTS.items()}


def terms(prompts: Iterable[str]) -> dict[Feature, str]:
    """The words of shared prompts that tell what a picture is about.

    Args:
        prompts: as their authors wrote them.

    Returns:
        Short phrases between commas, and single words, at most `MAX_TERMS`.
    """
    phrases: dict[str, None] = {}
    single: dict[str, None] = {}
    for prompt in prompts:
        for part in _PARTS.split(prompt[:MAX_PROMPT]):
            found = words(part, stem=False)
            telling = [word for word in found if _tells(word)]
            if 2 <= len(found) <= MOST_WORDS and len(telling) == len(found):
                phrases[" ".join(found)] = None
            single |= dict.fromkeys(telling)
    kept = dict.fromkeys(list(phrases)[: MAX_TERMS // 2], int(Kind.PHRASE))
    kept |= dict.fromkeys(list(single)[: MAX_TERMS - len(kept)], int(Kind.TERM))
    return {(kind, number_of(term)): term for term, kind in kept.items()}


def looks(seen: Iterable[str]) -> set[Feature]:
    """What a model saw, as features; what is no concept here is none."""
    return {(int(Kind.LOOK), _NUMBERS[words]) for words in seen if words in _NUMBERS}


def concept(number: int) -> Concept | None:
    """The concept with the number that it has as a feature."""
    return _CONCEPTS.get(number)


def _tells(word: str) -> bool:
    return len(word) >= SHORTEST and not word.isdigit() and word not in _EMPTY
