"""The models that a painter holds loaded: as many as memory has room for, the one that was used
last longest."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from generation import catalogue
from generation.catalogue import Model
from generation.errors import PaintError

if TYPE_CHECKING:
    from generation.fast import Options
    from generation.pipeline import Pipeline

log = logging.getLogger("generation")


class Models:
    """What a painter paints with. Not safe for two threads at once.

    models: the first is what a recipe without a model means. device: as for `devices.choose`.
    make_room: has those who are not painting give their memory, and says whether they had any.
    """

    def __init__(
        self,
        models: Sequence[Model],
        device: str,
        options: Options | None,
        *,
        make_room: Callable[[], bool],
    ) -> None:
        self._make_room = make_room
        self._models = {model.key: model for model in models}
        self._default = models[0]
        self._device = device
        self._options = options
        self._loaded: OrderedDict[str, Pipeline] = OrderedDict()  # the last used last

    def find(self, name: str) -> Model:
        """The model of that name, empty for the default. Raises PaintError, UnknownModel."""
        if not name:
            return self._default
        key = catalogue.find(name).key
        if key not in self._models:
            raise PaintError(f"This painter does not have the model {name}.")
        return self._models[key]

    def loaded(self, model: Model) -> Pipeline | None:
        """The model, if it lies in memory."""
        return self._loaded.get(model.key)

    def load(self, model: Model, note: Callable[[str], None]) -> Pipeline:
        """The model, loaded if it is not, in the place of others where memory is short.

        note: is told what is happening. Raises PaintError, and whatever `note` does.
        """
        from generation import devices, memory
        from generation.pipeline import Pipeline

        if (pipeline := self._loaded.get(model.key)) is not None:
            self._loaded.move_to_end(model.key)
            return pipeline
        device, precision = devices.choose(self._device)
        while self._loaded and self._crowded(model, memory.free(device), precision.itemsize):
            self._make_room()
            self._drop_oldest()
        pipeline = Pipeline.load(
            model,
            device=self._device,
            note=note,
            options=self._options,
            make_room=lambda: self._drop_others(model.key),
        )
        self._loaded[model.key] = pipeline
        return pipeline

    def _crowded(self, model: Model, free: int, precision: int) -> bool:
        """Whether a model may not fit beside those that are loaded.

        precision: bytes of a weight.
        """
        from generation import memory

        # Nobody knows before it is read: the largest of those here is the best guess.
        largest = max(pipeline.weights for pipeline in self._loaded.values())
        weights = largest if model.memory_gb is None else int(model.memory_gb * 1e9 * precision / 2)
        return memory.SPARED * free < weights + memory.WORKING

    def _drop_oldest(self) -> None:
        from generation import memory

        _, pipeline = self._loaded.popitem(last=False)
        log.info("%s leaves memory", pipeline.model.name)
        del pipeline
        memory.release()

    def _drop_others(self, key: str) -> bool:
        freed = self._make_room()
        others = [other for other in self._loaded if other != key]
        for other in others:
            self._loaded.move_to_end(other, last=False)
            self._drop_oldest()
        return freed or bool(others)

    def unload(self) -> bool:
        """Gives all memory back; whether anything was loaded."""
        had = bool(self._loaded)
        while self._loaded:
            self._drop_oldest()
        return had
