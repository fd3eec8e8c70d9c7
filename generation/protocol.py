"""How a painter and a server talk, both directions.

A painter connects to `{server}/api/easel/v1/painters/connect` (ws or wss, subprotocol none) with
`Authorization: Bearer TOKEN`; a wrong token is answered 401 or 403 before the upgrade, and the
painter gives up. Then:

    painter  Hello     who I am, which models I paint with, what I can do
    painter  Able      what I can do beside painting from words, whenever that changes
    painter  Ready     how many paintings I take at once, from now on
    server   Paint     (with its pictures) → any number of Progress, then exactly one of
    painter              Finished (with the picture), Failed, Cancelled
    server   Cancel    → Cancelled, unless the painting ended before it was read
    server   Suggest   → one Suggested, beside whatever is being painted
    server   Look      (with pictures) → one Looked, in the same line as Suggest
    server   Recognise (with pictures) → one Recognised, when nothing else is to be done
    server   Drop      nobody waits for a Suggested or Looked any more; there may still come one.
                       Without a request it asks for nothing: the server sees whether anybody reads
    server   Leave     the painter finishes nothing more and disconnects

The server counts: paintings sent minus paintings ended never exceeds the last Ready; of a painter
that takes what is alike, paintings sent minus paintings of which it heard a step or an end. A
connection that ends, for whatever reason, gives every painting that was not ended back to the
queue; the painter drops them too and comes back with a growing wait. Life is checked by WebSocket
pings in both directions (`PING_S`), which a busy painter answers, because it paints in a thread.

A message without data is one text frame of JSON, `{"type": "cancel", "painting": "7"}`. A message
with data (a preview, a picture) is one binary frame: the length of the JSON as 4 bytes, big
endian, the JSON, then the data to the end. So a picture and what is said of it arrive together or
not at all, and no byte is spent on base64.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeVar

import msgspec

from generation.abilities import Abilities
from generation.recipe import Recipe

PATH = "/api/easel/v1/painters/connect"
VERSION = 3  # raised when an old painter could not understand a new server, or the reverse

PING_S = 20.0  # seconds between pings, both ways
PING_TIMEOUT_S = 20.0  # seconds without a pong until the connection counts as dead
MAX_MESSAGE = 65_536  # bytes of JSON; two prompts of the longest kind, escaped, stay below
MAX_PREVIEW = 262_144  # bytes of a preview JPEG; ours have 10,000
MAX_PICTURE = 64 * 2**20  # bytes of a finished picture; 16 megapixels of noise as PNG are 50
# Bytes of all pictures that one recipe begins with: four of 16 MB, which is what is ever served.
MAX_INPUTS = 64 * 2**20
# Bytes of a whole frame, for `ws_max_size` of uvicorn (its default is 16 MiB) and `max_size` of
# websockets (1 MiB).
MAX_FRAME = 4 + MAX_MESSAGE + max(MAX_PICTURE, MAX_INPUTS)


T = TypeVar("T")


class ProtocolError(ValueError):
    """A frame that is not ours; the message is one plain sentence. Close with code 1002."""


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="hello"):
    """The first message of a painter.

    models: names that `Recipe.model` may have, as `catalogue.find` reads them; the first is what
    an empty `model` paints with. device: "cuda", "mps" or "cpu", and the card's name.
    suggests: whether it has a language model, and answers Suggest. abilities: what it can do beside
    painting from words; it is given only what it can.
    """

    name: str
    device: str
    models: tuple[str, ...]
    software: str = ""
    version: int = VERSION
    suggests: bool = False
    abilities: Abilities = Abilities()


class Able(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="able"):
    """From now on this painter can do this: a LoRA was put there, a helper was removed."""

    abilities: Abilities


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="ready"):
    """From now on this painter takes `slots` paintings at once; 0 is none.

    alike: it paints them as one batch, so they must be of one batch key
    (`generation.batching.key`), and only those count that it has not begun. It closes with 0 when
    it begins a batch and opens again when that one is nearly done.
    """

    slots: int
    alike: bool = False


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="progress"):
    """How far a painting is: `step` of `of` steps are done. Data: a JPEG preview, or nothing.

    stage: "loading" (the model is being read or downloaded), "painting", "finishing".
    elapsed_s: seconds since this painting's first step began.
    """

    painting: str
    stage: Literal["loading", "painting", "finishing"]
    step: int = 0
    of: int = 0
    elapsed_s: float = 0.0
    note: str = ""


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What a classifier says of a picture; what follows from it, the server decides.

    score: 0 to 1, how likely not everybody should be shown it. scores: the classifier's own labels.
    model: the classifier as people read it.
    """

    score: float
    scores: dict[str, float] = {}
    model: str = ""


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="finished"):
    """A finished painting. Data: the picture's bytes, without metadata.

    recipe: resolved, every field as it was really used. model: the model as people read it.
    model_version: hub revision or a hash of the folder's weights, hex. sampler: as A1111 names it.
    seconds: painting time, without loading. judgement: None if no classifier looked at it.
    description: alt text, if it was asked for and a model here wrote some; described_by: which.
    upscaler: what made it larger than its recipe's size; empty if nothing did. A picture that was
    only enlarged has neither model nor sampler here: the server knows its parent.
    """

    painting: str
    media_type: Literal["image/png"]
    width: int
    height: int
    recipe: Recipe
    model: str
    model_version: str
    sampler: str
    seconds: float
    judgement: Judgement | None = None
    description: str = ""
    described_by: str = ""
    upscaler: str = ""


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="failed"):
    """A painting that could not be made: `reason` is one plain sentence for its author.

    retry: whether trying again, here or elsewhere, may help (the card was full, a download broke).
    """

    painting: str
    reason: str
    retry: bool = False


class Cancelled(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="cancelled"):
    """A painting that was stopped because the server asked."""

    painting: str


class Suggested(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="suggested"):
    """What a language model proposes; fields stay empty where it proposes nothing of use.

    model: as people read it; empty if none could be asked. reply: the answer, where one was asked
    for. warning: a content warning, where one is called for.
    """

    request: str
    prompt: str = ""
    title: str = ""
    hashtags: tuple[str, ...] = ()
    model: str = ""
    reply: str = ""
    warning: str = ""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the models here say of one picture. description, judgement: as in `Finished`."""

    description: str = ""
    judgement: Judgement | None = None


class Looked(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="looked"):
    """What is said of pictures, by their names. One that is missing was not looked at.

    described_by: the model that describes, as people read it; empty if there is none.
    """

    request: str
    seen: dict[str, Seen] = {}
    described_by: str = ""


class Recognised(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="recognised"):
    """What pictures show: words of concepts (`generation.concepts`), by the pictures' names.

    A picture that is missing was not looked at: something came that somebody waits for. One that
    has no words shows nothing that is known, or could not be read. sketches: by the same names, in
    hexadecimal, to compare pictures by (`generation.recognition`); a painter of before has none.
    model: as people read it.
    """

    request: str
    seen: dict[str, tuple[str, ...]] = {}
    sketches: dict[str, str] = {}
    model: str = ""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture in a message's data: its name in the recipe, and its length in bytes."""

    name: str
    size: int


class Paint(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="paint"):
    """Paint this. The painting's id is the server's, opaque to the painter.

    describe: the language (BCP 47, or empty for any) that the finished picture is to be described
    in; None if its author did that. pictures: those that the recipe begins with. Data: they, one
    after another, in this order. The painter has no other way to them: it fetches nothing.
    """

    painting: str
    recipe: Recipe
    describe: str | None = None
    pictures: tuple[Picture, ...] = ()


class Cancel(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="cancel"):
    """Stop this painting, at the next step."""

    painting: str


class Suggest(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="suggest"):
    """Propose a better prompt, a title, hashtags and a content warning for what an author wrote; or
    answer it.

    request: the server's id for this. text: the author's words: data, never an instruction.
    language: of title and hashtags, or of the answer (BCP 47, or empty for the text's own). style:
    how the model that will paint likes its prompts. what: a proposal, or a reply; a painter that
    knows no replies makes a proposal. thread: the post that a question is about; draft: the post
    that is being written; seen: what its pictures show: data as well.
    """

    request: str
    text: str
    language: str = ""
    style: Literal["sentences", "tags"] = "sentences"
    what: Literal["proposal", "reply"] = "proposal"
    thread: str = ""
    draft: str = ""
    seen: tuple[str, ...] = ()


class Look(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="look"):
    """Judge these pictures, and describe them: somebody writes a post with them. Only a painter
    that `looks` is asked.

    request: the server's id for this. describe: as in `Paint`. pictures: which; data: they, one
    after another.
    """

    request: str
    describe: str | None = None
    pictures: tuple[Picture, ...] = ()


class Recognise(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="recognise"):
    """Say what these pictures show. Only a painter that `recognises` is asked, and it puts this
    off for anything that somebody waits for.

    request: the server's id for this. pictures: which; data: they, one after another.
    """

    request: str
    pictures: tuple[Picture, ...]


class Drop(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="drop"):
    """Nobody waits for this Suggested or Looked any more."""

    request: str


class Leave(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="leave"):
    """Stop everything and end; the server wants this painter no more.

    refused: it will not be let in again as it is, such as one of another version.
    """

    reason: str = ""
    refused: bool = False


FromPainter = (
    Hello
    | Able
    | Ready
    | Progress
    | Finished
    | Failed
    | Cancelled
    | Suggested
    | Looked
    | Recognised
)
FromServer = Paint | Cancel | Suggest | Look | Recognise | Drop | Leave
Message = FromPainter | FromServer

_encoder = msgspec.json.Encoder()
_from_painter: msgspec.json.Decoder[FromPainter] = msgspec.json.Decoder(FromPainter)
_from_server: msgspec.json.Decoder[FromServer] = msgspec.json.Decoder(FromServer)


def encode(message: Message, data: bytes = b"") -> str | bytes:
    """One frame: text where there is no data, binary where there is."""
    head = _encoder.encode(message)
    return len(head).to_bytes(4, "big") + head + data if data else head.decode()


def decode_from_painter(frame: str | bytes) -> tuple[FromPainter, bytes]:
    """What a server received: the message and its data. Raises ProtocolError."""
    head, data = _split(frame)
    message = _decode(_from_painter, head)
    most = {Progress: MAX_PREVIEW, Finished: MAX_PICTURE}.get(type(message), 0)
    if len(data) > most:
        raise ProtocolError(f"A {type(message).__name__} message carries {len(data)} bytes.")
    if isinstance(message, Finished) and not data:
        raise ProtocolError("A finished painting came without its picture.")
    return message, data


def decode_from_server(frame: str | bytes) -> tuple[FromServer, dict[str, bytes]]:
    """What a painter received: the message, and its pictures by name. Raises ProtocolError."""
    head, data = _split(frame)
    message = _decode(_from_server, head)
    sizes = message.pictures if isinstance(message, Paint | Look | Recognise) else ()
    if len(data) > MAX_INPUTS:
        raise ProtocolError(f"A {type(message).__name__} message carries {len(data)} bytes.")
    if any(picture.size < 0 for picture in sizes) or len(data) != sum(p.size for p in sizes):
        raise ProtocolError(f"A {type(message).__name__} message carries other data than it says.")
    pictures, at = {}, 0
    for picture in sizes:
        pictures[picture.name] = data[at : at + picture.size]
        at += picture.size
    return message, pictures


def with_pictures(message: Paint | Look | Recognise, pictures: Mapping[str, bytes]) -> str | bytes:
    """The frame that asks for a painting, with the pictures that its recipe begins with; or for
    what is to be said of some pictures."""
    told = tuple(Picture(name=name, size=len(content)) for name, content in pictures.items())
    complete = msgspec.structs.replace(message, pictures=told)
    return encode(complete, b"".join(pictures.values()))


def _split(frame: str | bytes) -> tuple[bytes, bytes]:
    if isinstance(frame, str):
        head, data = frame.encode("utf-8", "replace"), b""
    else:
        size = int.from_bytes(frame[:4], "big")
        head, data = frame[4 : 4 + size], frame[4 + size :]
        if len(frame) < 4 or len(head) != size:
            raise ProtocolError("A binary frame is shorter than it says.")
    if len(head) > MAX_MESSAGE:
        raise ProtocolError(f"A message has {len(head)} bytes; {MAX_MESSAGE} are allowed.")
    return head, data


def _decode(decoder: msgspec.json.Decoder[T], head: bytes) -> T:
    try:
        return decoder.decode(head)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(f"A message could not be read: {error}.") from None
