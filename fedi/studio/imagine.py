"""A picture asked for in the words of a post, in whatever app it was written:

    /imagine a lighthouse at night --ar 3:2 --seed 7 --no people
    The keeper stays.

The first line says what to paint, and the rest is what the post says. People who are answered may
be named before the command, as apps do by themselves. Phones make one long dash of two, and curly
quotes of straight ones: both are read. Whatever is not understood is refused in one plain
sentence, before anything is stored. `docs/imagine.md` lists the options.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from fedi.database import Session, Transaction
from fedi.database.tables import Account, Painting, Status
from fedi.settings import PaintingSettings
from fedi.social import accounts, statuses, text
from fedi.social.errors import Invalid
from fedi.social.statuses import Draft
from fedi.studio import paintings
from fedi.studio.inputs import Found
from generation import catalogue, shapes
from generation.recipe import MAX_NEGATIVE_PROMPT, MAX_PROMPT, Recipe, RecipeError

USUAL_SIDE, USUAL_MULTIPLE = 1024, 64  # of a model that we do not know: 64 suits all

_DASHES = "—–―"  # what phones make of two hyphens
_OPTION = re.compile(rf"(?:--|[{_DASHES}])([A-Za-z][A-Za-z-]*)(?:=(.*))?", re.DOTALL)
_QUOTES = {'"': '"', "“": "”", "„": "“”", "«": "»", "”": "”"}
MAX_LINE = MAX_PROMPT + MAX_NEGATIVE_PROMPT + 500  # characters; the rest are the other options
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff]")  # what keyboards leave behind
_LEADING = re.compile(r"(?:@[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*(?:@[^\s@/]+)?\s+)*")
_SHAPE = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)[:x×/](\d{1,4}(?:\.\d{1,3})?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Option:
    """What may stand behind the prompt.

    Attributes:
        field: the part of the recipe that it says, or another name of `Imagined`.
        example: as people write it.
        wants: what its value is, in words; empty: it has none.
        read: its value as a recipe has it.
        many: whether its value goes on until the next option.
    """

    field: str
    example: str
    wants: str = ""
    read: Callable[[str], Any] = str
    many: bool = False


def _shape(value: str) -> float:
    found = _SHAPE.fullmatch(value)
    if found is None or not float(found[1]) or not float(found[2]):
        raise ValueError
    return float(found[1]) / float(found[2])


def _plain_number(value: str) -> float:
    if not re.fullmatch(r"\d{1,4}(?:[.,]\d{1,4})?", value):
        raise ValueError
    return float(value.replace(",", "."))


def _whole(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", value):
        raise ValueError
    return int(value)


OPTIONS = {
    "ar": Option("shape", "--ar 3:2", "the width to the height", _shape),
    "seed": Option("seed", "--seed 7", "a whole number", _whole),
    "model": Option("model", "--model sdxl", "the name of a model"),
    "no": Option("negative_prompt", "--no people, cars", "what to leave out", many=True),
    "steps": Option("steps", "--steps 20", "a whole number", _whole),
    "guidance": Option("guidance", "--guidance 4.5", "a number", _plain_number),
    "n": Option("count", "--n 2", "a whole number", _whole),
    "share": Option("share", "--share"),
}


@dataclass(frozen=True, slots=True)
class Imagined:
    """What a post asks for.

    Attributes:
        recipe: parts of it, as `Recipe.parse` reads (and judges) them.
        shape: width over height, if that was said.
        count: how many pictures.
        share: whether the recipe is to be shared.
        words: what the post says besides.
    """

    recipe: dict[str, Any] = field(default_factory=dict)
    shape: float | None = None
    count: int = 1
    share: bool = False
    words: str = ""


async def post(
    tx: Transaction,
    settings: PaintingSettings,
    author: Account,
    draft: Draft,
    *,
    share_recipe: bool | None = None,
    parent: Found | None = None,
    uri: str | None = None,
) -> Status | Painting:
    """Publish a post, or paint what it asks for: then it publishes itself when that is done.

    Args:
        draft: what the author wrote.
        share_recipe, parent, uri: as for `paint`.

    Raises:
        SocialError: as `statuses.publish` and `paintings.request`, or it is not understood.
    """
    wanted = await asked(tx, settings, draft)
    if wanted is None:
        return await statuses.publish(tx, author, draft, uri=uri)
    return await paint(
        tx, settings, author, draft, wanted, share_recipe=share_recipe, parent=parent, uri=uri
    )


async def asked(session: Session, settings: PaintingSettings, draft: Draft) -> Imagined | None:
    """What the words of a draft ask for; None if they ask for nothing.

    Raises:
        Invalid: they ask for something, and are not understood.
    """
    if draft.verbatim:
        return None
    return read(await written(session, draft), settings.command)


async def paint(
    tx: Transaction,
    settings: PaintingSettings,
    author: Account,
    draft: Draft,
    wanted: Imagined,
    *,
    share_recipe: bool | None = None,
    parent: Found | None = None,
    uri: str | None = None,
) -> Painting:
    """Paint what a draft asks for; its post publishes itself when that is done.

    Args:
        wanted: what it asks for.
        share_recipe: whether the app says that the recipe is shared; None: it says nothing, and
            the words decide (`--share`).
        parent: the picture of the post that it is a remix of; its file is stored.
        uri: the id of the post, if it was minted before.

    Raises:
        SocialError: as `paintings.request`.
    """
    made = await paintings.request_several(
        tx,
        settings,
        author,
        recipe(wanted, settings).times(wanted.count),
        share_recipe=wanted.share if share_recipe is None else share_recipe,
        draft=without(draft, wanted),
        status_uri=uri,
        based_on_uri=draft.based_on_uri,
        parent=parent,
    )
    return made[0]


def without(draft: Draft, wanted: Imagined) -> Draft:
    """The post of a draft: what it says besides what it asks for."""
    return msgspec.structs.replace(draft, text=wanted.words, content_html=None)


async def written(session: Session, draft: Draft) -> str:
    """A draft as plain text, in which people are named by their whole handles."""
    if draft.content_html is None:
        return draft.text
    markup = text.sanitise(draft.content_html)
    linked, _ = text.mention_links(markup)
    words = text.plain(markup)
    for person in await accounts.by_addresses(session, linked):
        short = rf"(?<![\w@])@{re.escape(person.username)}(?![\w@.-])"
        words = re.sub(short, f"@{person.acct}", words)
    return words


def read(written: str, command: str) -> Imagined | None:
    """What a post asks for; None if it asks for nothing.

    Args:
        written: its words.
        command: what it must begin with; empty: nothing is ever asked for.

    Raises:
        Invalid: it begins so, and is not understood.
    """
    words = _INVISIBLE.sub("", written).lstrip()
    named = _LEADING.match(words)
    people = "" if named is None else named[0]
    line, _, rest = words[len(people) :].partition("\n")
    said = line.split(maxsplit=1)
    if not command or not said or said[0].casefold() != command.casefold():
        return None
    if len(line) > MAX_LINE:
        raise Invalid(f"What follows {command} is too long: at most {MAX_LINE} characters.")
    found, prompt = _options(_tokens(said[1] if len(said) > 1 else ""))
    if not prompt:
        raise Invalid(
            f"The prompt is empty: say what the picture should show, "
            f"such as {command} a lighthouse at night."
        )
    shape, share, count = found.pop("shape", None), found.pop("share", False), found.pop("count", 1)
    if not 1 <= count <= statuses.MAX_MEDIA:
        raise Invalid(f"--n is a number from 1 to {statuses.MAX_MEDIA}.")
    return Imagined(
        recipe={"prompt": prompt, **found},
        shape=shape,
        count=count,
        share=share,
        words=f"{people}{rest.strip()}".strip(),
    )


def recipe(wanted: Imagined, settings: PaintingSettings) -> Recipe:
    """The recipe that was asked for, its size found by its shape and its model.

    Raises:
        Invalid: with what to change.
    """
    try:
        asked = Recipe.parse(wanted.recipe)
        if wanted.shape is None:
            return asked
        width, height = size(wanted.shape, asked.model or settings.model, settings.max_megapixels)
        return msgspec.structs.replace(asked, width=width, height=height)
    except RecipeError as refusal:
        raise Invalid(str(refusal)) from refusal


def size(shape: float, name: str, max_megapixels: float) -> tuple[int, int]:
    """Width and height in pixels of a picture of this shape (width over height), for a model.

    Args:
        name: of the model; empty: that of a newcomer.
        max_megapixels: of this host.

    Raises:
        RecipeError: nothing of that shape is painted.
    """
    try:
        model = catalogue.find(name) if name else catalogue.STARTER
    except catalogue.UnknownModel:
        model = catalogue.Model(key=name, name=name, source=name)
    if model.width is None:
        pixels, multiple = USUAL_SIDE**2, USUAL_MULTIPLE
    else:
        pixels, multiple = model.width * (model.height or model.width), model.multiple
    most = max_megapixels * 1e6 / shapes.MOST_SHARE
    return shapes.sides(shape, min(pixels, most), multiple)


def _tokens(line: str) -> list[tuple[str, bool]]:
    """The words of a line, and whether they stood in quotes; then they are one."""
    tokens, at = [], 0
    unclosed: set[str] = set()  # quotes that nothing closes from here on: each is sought once
    while at < len(line):
        if line[at].isspace():
            at += 1
            continue
        end = None if line[at] in unclosed else _quoted(line, at)
        if end is None and line[at] in _QUOTES:
            unclosed.add(line[at])
        if end is not None:
            tokens.append((line[at + 1 : end].strip(), True))
            at = end + 1
            continue
        word = re.compile(r"\S+").match(line, at)
        assert word is not None
        # A value may stand in quotes, too: --no="people, cars".
        equals = word[0].find("=")
        inside = _quoted(line, at + equals + 1) if equals > 0 and _OPTION.match(word[0]) else None
        if inside is not None:
            tokens.append((line[at : at + equals + 1] + line[at + equals + 2 : inside], False))
            at = inside + 1
        else:
            tokens.append((word[0], False))
            at = word.end()
    return tokens


def _quoted(line: str, at: int) -> int | None:
    """Where the quotes that open at this place close: before a space or at the end."""
    closing = _QUOTES.get(line[at : at + 1])
    if closing is None:
        return None
    for end in range(at + 1, len(line)):
        if line[end] in closing and (end + 1 == len(line) or line[end + 1].isspace()):
            return end
    return None


def _options(tokens: list[tuple[str, bool]]) -> tuple[dict[str, Any], str]:
    """The options among the words of a line, and the other words: the prompt."""
    found: dict[str, Any] = {}
    prompt: list[tuple[str, bool]] = []
    waiting = deque(tokens)
    while waiting:
        token = waiting.popleft()
        named = _named(token)
        if named is None:
            prompt.append(token)
            continue
        name, value = named
        option = OPTIONS.get(name)
        if option is None:
            known = ", ".join(f"--{one}" for one in OPTIONS)
            raise Invalid(f"There is no option --{name}; there are {known}.")
        if option.field in found:
            raise Invalid(f"--{name} is given twice.")
        found[option.field] = _value(name, option, value, waiting)
    if len(prompt) == 1:  # quotes around all of it are not part of it
        return found, prompt[0][0]
    return found, " ".join(f'"{word}"' if quoted else word for word, quoted in prompt)


def _named(token: tuple[str, bool]) -> tuple[str, str | None] | None:
    """The option that a word names, and the value that it has in the same word."""
    word, quoted = token
    match = None if quoted else _OPTION.fullmatch(word)
    return None if match is None else (match[1].lower(), match[2])


def _value(name: str, option: Option, value: str | None, waiting: deque[tuple[str, bool]]) -> Any:
    """The value of an option, taken from the words behind it if it is not in the same word."""
    if not option.wants:
        if value is not None:
            raise Invalid(f"--{name} has no value.")
        return True
    words = [] if value is None else [value]
    while waiting and _named(waiting[0]) is None and (option.many or not words):
        words.append(waiting.popleft()[0])
    try:
        read = option.read(" ".join(words).strip())
    except ValueError:
        read = None
    if read in (None, ""):
        raise Invalid(f"--{name} needs {option.wants}, such as {option.example}.")
    return read
