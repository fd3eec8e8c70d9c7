"""The formula of the trends, as its docstring tells it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedi.social.trends import formula
from fedi.social.trends.formula import Crowd

NOW = 500_000  # an hour


def crowd(server: str, people: int = 1, *, easy: bool = False, hour: int = NOW) -> Crowd:
    weight = people * (formula.EASY if easy else 1.0)
    return Crowd(server, easy, hour, weight, people, hour)


def score(*crowds: Crowd, at: int = NOW) -> float:
    found = formula.standing(crowds)
    assert found is not None
    return formula.score_at(found.rank, at)


def test_four_of_one_server_weigh_as_two_of_different_ones() -> None:
    assert score(crowd("a.example", 4)) == pytest.approx(2)
    assert score(crowd("a.example"), crowd("b.example")) == pytest.approx(2)


def test_a_score_halves_in_a_day() -> None:
    many = [crowd("a.example", 9), crowd("b.example", 2, hour=NOW - 7)]
    assert score(*many, at=NOW + 24) == pytest.approx(score(*many) / 2)


def test_newcomers_of_one_server_have_one_voice_however_many_they_are() -> None:
    alone = formula.standing([crowd("a.example", 1000, easy=True)])
    assert alone is not None
    assert (alone.voices, alone.people, alone.servers) == (1, 1000, 1)
    assert alone.voices < formula.MIN_VOICES
    assert score(crowd("a.example", 1000, easy=True)) == pytest.approx(1)
    assert score(crowd("a.example", 2, easy=True)) == pytest.approx(0.5**0.5)


@pytest.mark.parametrize(
    ("domain", "server"),
    [
        (None, ""),
        ("a.example", "a.example"),
        ("x1.evil.example", "evil.example"),
        ("deep.x1.evil.example", "evil.example"),
        ("single", "single"),
    ],
)
def test_names_below_a_domain_are_one_server(domain: str | None, server: str) -> None:
    assert formula.server_of(domain) == server


def test_on_a_young_instance_people_are_established_sooner() -> None:
    assert formula.newcomer_for(timedelta(days=365)) == formula.NEWCOMER
    assert formula.newcomer_for(timedelta(days=2)) == timedelta(days=1)
    assert formula.newcomer_for(timedelta(0)) == timedelta(0)


crowds = st.builds(
    crowd,
    st.sampled_from(["", "a.example", "b.example", "c.example"]),
    st.integers(1, 500),
    easy=st.booleans(),
    hour=st.integers(NOW - 168, NOW),
)


@given(st.lists(crowds, min_size=1, max_size=8), crowds)
def test_nobody_lowers_a_score_by_joining(before: list[Crowd], more: Crowd) -> None:
    assert score(*before, more) >= score(*before) * (1 - 1e-9)


@given(st.lists(crowds, min_size=1, max_size=5), st.lists(crowds, min_size=1, max_size=5))
def test_time_changes_no_order(one: list[Crowd], other: list[Crowd]) -> None:
    difference = score(*one) / score(*other)
    later = score(*one, at=NOW + 100) / score(*other, at=NOW + 100)
    assert later == pytest.approx(difference)
