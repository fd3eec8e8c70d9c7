"""Whether a model fits."""

from __future__ import annotations

import pytest

from generation import devices
from generation.devices import Memory


def test_a_card_takes_a_model_whole_or_in_parts_or_not() -> None:
    card = Memory("a card", 12.0)
    assert card.fit(8, 4) == "whole"
    assert card.fit(16, 9) == "parts"
    assert card.fit(33, 13) == "no"
    assert card.fit(16) == "no"
    assert card.fit(None) == "unknown"


def test_the_cpu_needs_twice_as_much_and_has_nowhere_to_move_parts() -> None:
    machine = Memory("cpu", 12.0, bytes_per_weight=4)
    assert machine.fit(6, 4) == "whole"
    assert machine.fit(8, 4) == "no"


def test_the_memory_of_this_machine() -> None:
    pytest.importorskip("torch", reason="easel[paint] is not installed")
    memory = devices.memory("cpu")
    assert memory.name == "cpu" and memory.bytes_per_weight == 4
    assert 0.1 < memory.gigabytes < 100_000
    with pytest.raises(devices.NoDevice, match="abacus"):
        devices.memory("abacus")
