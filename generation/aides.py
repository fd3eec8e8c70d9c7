"""What a painter does besides painting: it makes pictures larger, looks at what it painted, and
helps with words.

No model that was pulled can make a picture fail: where one does, our own makes it larger, or the
picture goes to the server unjudged and undescribed, and the server knows what that means there.
"""

from __future__ import annotations

import io
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from generation import helpers
from generation.abilities import Abilities
from generation.catalogue import Kind, Model
from generation.errors import PaintError, Stopped
from generation.protocol import (
    Finished,
    FromPainter,
    Judgement,
    Look,
    Looked,
    Recognise,
    Recognised,
    Seen,
    Suggest,
    Suggested,
)
from generation.shelf import NotHere, Shelf

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from generation.chat import Chat

log = logging.getLogger("generation")

_Send = Callable[[FromPainter, bytes], None]

SEEN = 512  # pixels of the longer side that pictures are looked at with; models take 224
LOOKED_AT = 4  # pictures between two looks at whether something came that somebody waits for


class Aides:
    """The helpers of one painter.

    device: as for `devices.choose`. The others are as for `helpers.choose`.
    Raises UnknownModel.
    """

    def __init__(
        self,
        device: str,
        *,
        classifier: str = helpers.NONE,
        describer: str = helpers.NONE,
        language_model: str = helpers.NONE,
        upscaler: str = helpers.AUTO,
        recogniser: str = helpers.NONE,
    ) -> None:
        self._shelf = Shelf(device)
        self._classifier = _chosen("safety", classifier)
        self._describer = _chosen("description", describer)
        self._writer = _chosen("language", language_model)
        self._upscaler = _chosen("upscaling", upscaler)
        self._recogniser = _chosen("recognition", recogniser)
        self._unseen: queue.SimpleQueue[_Looking] = queue.SimpleQueue()
        self._looking: set[str] = set()
        self._looker: threading.Thread | None = None
        self._requests: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        self._dropped: set[str] = set()
        self._waiting: set[str] = set()
        self._thread: threading.Thread | None = None

    @property
    def suggests(self) -> bool:
        """Whether there is a language model here."""
        return self._writer is not None

    def told(self, abilities: Abilities) -> Abilities:
        """What a painter can do, with what its helpers do."""
        return msgspec.structs.replace(
            abilities,
            upscales=self._upscaler is not None,
            judges="" if self._classifier is None else self._classifier.name,
            describes="" if self._describer is None else self._describer.name,
            recognises="" if self._recogniser is None else self._recogniser.name,
            looks=self._classifier is not None or self._describer is not None,
        )

    @property
    def busy(self) -> bool:
        """Whether somebody waits for words, or pictures are looked at."""
        return bool(self._waiting or self._looking)

    def make_room(self) -> bool:
        """Gives the helpers' memory to whoever needs it; they come back when they are used.
        Returns whether they had any."""
        return self._shelf.clear()

    def look(self, finished: Finished, png: bytes, describe: str | None) -> Finished:
        """What is said of a finished picture, with what the helpers see in it.

        describe: as in `protocol.Paint`. Never raises.
        """
        if self._classifier is not None and (judgement := self._judge(self._classifier, png)):
            finished = msgspec.structs.replace(finished, judgement=judgement)
        if self._describer is not None and describe is not None:
            text = self._describe(self._describer, png, describe)
            if text:
                finished = msgspec.structs.replace(
                    finished, description=text, described_by=self._describer.name
                )
        return finished

    def enlarge(
        self, picture: Picture, times: int, listen: Callable[[float], None]
    ) -> tuple[Picture, str]:
        """A picture so many times as large, 2 or 4, and the name of what made it so.

        listen: is told how much is done, 0 to 1; what it raises stops the work.
        Raises PaintError.
        """
        if self._upscaler is None:
            raise PaintError("This painter makes no pictures larger: it has no upscaler.")
        own = helpers.OWN_UPSCALER
        if self._upscaler.key != own.key:
            try:
                return self._enlarge(self._upscaler, picture, times, listen), self._upscaler.name
            except Stopped:
                raise
            except Exception:
                log.exception("%s could not make a picture larger", self._upscaler.name)
        try:
            return self._enlarge(own, picture, times, listen), own.name
        except Stopped:
            raise
        except Exception as error:
            log.exception("a picture could not be made larger")
            raise PaintError("The picture could not be made larger.", retry=True) from error

    def _enlarge(
        self, helper: Model, picture: Picture, times: int, listen: Callable[[float], None]
    ) -> Picture:
        from generation.upscaler.upscalers import loader

        folder = helpers.here(helper)
        if folder is None:
            raise NotHere(f"{helper.name} was removed.")
        with self._shelf.use(helper, loader(folder)) as model:
            larger: Picture = model.enlarge(picture.convert("RGB"), times, listen)
            return larger

    def suggest(self, request: Suggest, send: _Send) -> None:
        """Makes a proposal in a thread of its own, beside the painting, one after another; tells
        it by `send`."""
        self._ask(request, {}, send)

    def look_at(self, request: Look, pictures: Mapping[str, bytes], send: _Send) -> None:
        """Judges and describes pictures that somebody writes about, in the thread of proposals and
        in its turn there; tells it by `send`."""
        self._ask(request, pictures, send)

    def recognise(
        self,
        request: Recognise,
        pictures: Mapping[str, bytes],
        send: _Send,
        stop: Callable[[], bool],
    ) -> None:
        """Says what pictures show, in a thread of its own, one request after another; tells it by
        `send`.

        stop: whether something came that somebody waits for; what is left is not looked at.
        """
        if self._looker is None:
            self._looker = threading.Thread(target=self._look_on, name="looking", daemon=True)
            self._looker.start()
        self._looking.add(request.request)
        self._unseen.put(_Looking(request, pictures, send, stop))

    def drop(self, request: str) -> None:
        """Nobody waits for these words any more: they are stopped at the next one."""
        if request in self._waiting:
            self._dropped.add(request)

    def drop_all(self) -> None:
        """The connection is gone, and with it all who wait."""
        for request in list(self._waiting):
            self.drop(request)

    def _judge(self, helper: Model, png: bytes) -> Judgement | None:
        from PIL import Image

        from generation.classifier import Classifier

        try:
            with self._shelf.use(helper, Classifier.load) as classifier:
                judgement = classifier.judge(Image.open(io.BytesIO(png)))
        except Exception:
            log.exception("%s could not look at a picture", helper.name)
            return None
        log.info("%s: %.2f", helper.name, judgement.score)
        return judgement

    def _describe(
        self,
        helper: Model,
        png: bytes,
        language: str,
        stop: Callable[[], bool] | None = None,
    ) -> str:
        from PIL import Image

        from generation import chat
        from generation.describe import describe, loader

        try:
            folder = helpers.here(helper)
            if folder is None:
                raise NotHere(f"{helper.name} was removed.")
            with self._shelf.use(helper, loader(folder)) as model:
                return describe(model, Image.open(io.BytesIO(png)), language, stop)
        except chat.Stopped:
            return ""
        except Exception:
            log.exception("%s could not describe a picture", helper.name)
            return ""

    def _ask(self, request: Suggest | Look, pictures: Mapping[str, bytes], send: _Send) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="suggesting", daemon=True)
            self._thread.start()
        self._waiting.add(request.request)
        self._requests.put(_Request(request, pictures, send))

    def _run(self) -> None:
        while True:
            asked = self._requests.get()
            answer = self._answer(asked)
            self._waiting.discard(answer.request)
            self._dropped.discard(answer.request)
            asked.send(answer, b"")

    def _answer(self, asked: _Request) -> Suggested | Looked:
        if isinstance(asked.message, Suggest):
            return self._suggested(asked.message)
        return self._looked(asked.message, asked.pictures)

    def _looked(self, request: Look, pictures: Mapping[str, bytes]) -> Looked:
        def stop() -> bool:
            return request.request in self._dropped

        seen: dict[str, Seen] = {}
        for name, content in pictures.items():
            if stop():
                break
            judge, describer = self._classifier, self._describer
            judgement = None if judge is None else self._judge(judge, content)
            text = ""
            if describer is not None and request.describe is not None:
                text = self._describe(describer, content, request.describe, stop)
            seen[name] = Seen(description=text, judgement=judgement)
        by = "" if self._describer is None else self._describer.name
        return Looked(request=request.request, seen=seen, described_by=by)

    def _look_on(self) -> None:
        while True:
            asked = self._unseen.get()
            recognised = self._recognised(asked)
            self._looking.discard(asked.request.request)
            asked.send(recognised, b"")

    def _recognised(self, asked: _Looking) -> Recognised:
        from generation.recognition import Recogniser

        seen: dict[str, tuple[str, ...]] = {}
        sketches: dict[str, str] = {}
        helper, names = self._recogniser, list(asked.pictures)
        for start in range(0, len(names), LOOKED_AT):
            if helper is None or asked.stop() or self._waiting:
                break
            some = names[start : start + LOOKED_AT]
            read = {name: image for name in some if (image := _read(asked.pictures[name]))}
            seen |= dict.fromkeys(some, ())
            if not read:
                continue
            try:
                with self._shelf.use(helper, Recogniser.load) as recogniser:
                    found = recogniser.see(list(read.values()))
            except Exception:
                log.exception("%s could not look at pictures", helper.name)
                break
            for name, sight in zip(read, found, strict=True):
                seen[name], sketches[name] = sight.words, sight.sketch.hex()
        by = "" if helper is None else helper.name
        return Recognised(request=asked.request.request, seen=seen, sketches=sketches, model=by)

    def _suggested(self, request: Suggest) -> Suggested:
        nothing = Suggested(request=request.request)
        if self._writer is None or request.request in self._dropped:
            return nothing
        from generation import chat

        try:
            with self._shelf.use(self._writer, chat.Chat.load) as model:
                return self._written(model, request, self._writer.name)
        except chat.Stopped:
            return nothing
        except Exception:
            log.exception("%s could not propose anything", self._writer.name)
            return nothing

    def _written(self, model: Chat, request: Suggest, name: str) -> Suggested:
        from generation import replies, suggest

        def stop() -> bool:
            return request.request in self._dropped

        if request.what == "reply":
            said = replies.by_model(
                model, request.text, thread=request.thread, language=request.language, stop=stop
            )
            return Suggested(request=request.request, reply=said, model=name)
        proposal = suggest.by_model(
            model,
            request.text,
            draft=request.draft,
            seen=request.seen,
            language=request.language,
            style=request.style,
            stop=stop,
        )
        return Suggested(
            request=request.request,
            prompt=proposal.prompt,
            title=proposal.title,
            hashtags=proposal.hashtags,
            warning=proposal.warning,
            model=name,
        )


@dataclass(frozen=True)
class _Request:
    """What somebody waits for, and who is told."""

    message: Suggest | Look
    pictures: Mapping[str, bytes]
    send: _Send


@dataclass(frozen=True)
class _Looking:
    """Pictures to look at, and who is told."""

    request: Recognise
    pictures: Mapping[str, bytes]
    send: _Send
    stop: Callable[[], bool]


def _read(content: bytes) -> Picture | None:
    """A picture as it is looked at; None for what is none."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            image.draft("RGB", (SEEN, SEEN))
            image.thumbnail((SEEN, SEEN))
            return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        log.warning("a picture could not be read")
        return None


def _chosen(kind: Kind, name: str) -> Model | None:
    helper = helpers.choose(kind, name)
    if helper is not None and helpers.here(helper) is None:
        log.warning("%s is not here: `easel models pull %s` fetches it", helper.name, helper.key)
        return None
    return helper
