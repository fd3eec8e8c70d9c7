"""What a text encoder made of words, kept for the next who says the same.

Variations, remixes and several at once say the same words again and again, and the encoders of
large models are as large as the models. Each prompt of a batch is encoded by itself, so that what
is kept does not depend on who was painted beside it.
"""

from __future__ import annotations

import inspect
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

log = logging.getLogger("generation")

MAX_BYTES = 256 * 2**20  # of the machine's memory, for one model; the longest prompt takes 8 MB
_TEXTS = ("prompt", "negative_prompt")  # and `prompt_2` and so on


class Embeddings:
    """The last prompts of one model, as its text encoders see them.

    most: bytes that are kept at most, the least recently used going first; 0 keeps nothing.
    """

    def __init__(self, most: int = MAX_BYTES) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[Any, ...], tuple[Any, int]] = OrderedDict()
        self._bytes = 0
        self.hits = 0

    def attach(self, pipe: Any) -> None:
        """Has a pipeline ask here before it encodes words; nothing where it has no
        `encode_prompt`. Takes nothing away: what cannot be kept is encoded as ever."""
        original = getattr(pipe, "encode_prompt", None)
        if original is None or self._most <= 0:
            return
        signature = inspect.signature(original)

        def encode(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs).arguments
            # A LoRA may have changed the encoder's weights.
            if _adapted(pipe):
                return original(*args, **kwargs)
            texts = {name: value for name, value in bound.items() if name.startswith(_TEXTS)}
            rows = _rows(texts)
            others = {name: value for name, value in bound.items() if name not in texts}
            if rows is None or not all(map(_plain, others.values())):
                return original(*args, **kwargs)
            known = tuple(sorted((name, str(value)) for name, value in others.items()))
            device = others.get("device") or pipe._execution_device
            encoded = [
                self._row(original, {**others, **row}, (known, _key(row)), device) for row in rows
            ]
            joined = _joined(encoded)
            return original(*args, **kwargs) if joined is None else joined

        pipe.encode_prompt = encode

    def _row(
        self,
        original: Callable[..., Any],
        arguments: dict[str, Any],
        key: tuple[Any, ...],
        device: Any,
    ) -> Any:
        import torch

        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            self.hits += 1
            return _moved(kept[0], device)
        result = original(**arguments)
        if not isinstance(result, tuple | list):
            return result
        size = sum(tensor.numel() * tensor.element_size() for tensor in _tensors(result))
        if size <= self._most:
            # Copies of their own, where nobody writes into them and the card's memory is free.
            self._kept[key] = (_moved(result, torch.device("cpu"), copy=True), size)
            self._bytes += size
            while self._bytes > self._most:
                self._bytes -= self._kept.popitem(last=False)[1][1]
        return result


def _adapted(pipe: Any) -> bool:
    try:
        return bool(pipe.get_list_adapters())
    except (AttributeError, ValueError):  # takes no LoRAs, or peft is not installed
        return False


def _rows(texts: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The texts of each picture of a batch; None where they are not what we know."""
    lengths = {len(value) for value in texts.values() if isinstance(value, list)}
    lists = [value for value in texts.values() if value is not None]
    if len(lengths) != 1 or not all(isinstance(value, list) for value in lists):
        return None
    if not all(isinstance(text, str) for value in lists for text in value):
        return None
    return [
        {name: None if value is None else [value[row]] for name, value in texts.items()}
        for row in range(lengths.pop())
    ]


def _key(row: dict[str, Any]) -> tuple[tuple[str, str | None], ...]:
    return tuple(sorted((name, value[0] if value else None) for name, value in row.items()))


def _plain(value: Any) -> bool:
    import torch

    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    return value is None or isinstance(value, bool | int | float | str | torch.device | torch.dtype)


def _joined(rows: Sequence[Any]) -> Any:
    """The results of single prompts as one of them all; None where it cannot be told how."""
    if len(rows) == 1:
        return rows[0]
    if all(isinstance(row, list) for row in rows):  # one for each prompt, as ERNIE-Image has them
        return [item for row in rows for item in row]
    if not all(isinstance(row, tuple) and len(row) == len(rows[0]) for row in rows):
        return None
    joined = [_column(column) for column in zip(*rows, strict=True)]
    return None if any(one is _UNKNOWN for one in joined) else tuple(joined)


_UNKNOWN = object()


def _column(values: Sequence[Any]) -> Any:
    import torch

    first = values[0]
    if all(value is None for value in values):
        return None
    if all(isinstance(value, list) for value in values):
        return [item for value in values for item in value]
    if not all(isinstance(value, torch.Tensor) for value in values):
        return _UNKNOWN
    if any(value.shape != first.shape for value in values):
        return _UNKNOWN  # padded to the longest of the batch
    if first.ndim > 1 and first.shape[0] == 1:
        return torch.cat(list(values))
    # Positions, which all share.
    return first if all(torch.equal(value, first) for value in values) else _UNKNOWN


def _tensors(value: Any) -> list[Any]:
    import torch

    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in _tensors(item)]
    return []


def _moved(value: Any, device: Any, *, copy: bool = False) -> Any:
    import torch

    if isinstance(value, torch.Tensor):
        return value.to(device, copy=copy)
    if isinstance(value, list | tuple):
        return type(value)(_moved(item, device, copy=copy) for item in value)
    return value
