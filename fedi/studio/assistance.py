"""Help with words: proposals for a prompt, a title and hashtags, and answers, by whoever paints.

A request goes to a connected painter that has a language model, one at a time for each painter, in
the order in which they came. An account asks for one thing at a time, so nobody waits behind
another's many. Nothing of it is kept: who leaves is forgotten, and the model stops.

Where no model can be asked, or none answers in time, what can be had without one is proposed.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Literal, Protocol
from weakref import WeakKeyDictionary, ref

from fedi import logs
from fedi.database.tables import Account
from fedi.runtime import Easel
from fedi.social.errors import Invalid, TooMany
from fedi.studio import appraisal
from generation import catalogue, helpers, replies, suggest
from generation.protocol import Drop, FromServer, Suggest, Suggested
from generation.recipe import without_unwritable

WAIT_S = 60.0  # longer than a small model takes on a processor; then the rules must do
HOUR = timedelta(hours=1)
MAX_TEXT = suggest.MAX_TEXT
MAX_MODEL = 200  # characters of a language model's name, as its painter says it
NO_MODEL = (
    "No language model is here: title and hashtags are taken from your words, and no prompt is "
    "proposed."
)
NO_ANSWER = (
    "The language model did not answer in time: title and hashtags are taken from your words."
)
# What was trained on captions of the web rather than on sentences.
LIKES_TAGS = frozenset(("stable-diffusion", "stable-diffusion-xl"))

log = logs.get(__name__)

_serving: WeakKeyDictionary[Easel, ref[Assistance]] = WeakKeyDictionary()


class Helper(Protocol):
    """A connected painter, as this module needs it."""

    suggests: bool
    asked: str  # the request that it is working on; empty: none

    @property
    def stays(self) -> bool:
        """Whether it is given anything new."""

    def send(self, message: FromServer) -> None: ...


@dataclass(frozen=True, slots=True)
class Advice:
    """What is proposed.

    Attributes:
        prompt: empty where none is proposed.
        model: which model proposed it; empty if the rules did.
        note: why there is no more, in one sentence.
    """

    prompt: str
    title: str
    hashtags: tuple[str, ...]
    model: str = ""
    note: str = ""


@dataclass(eq=False)
class _Asking:
    account_id: int
    message: Suggest
    answer: asyncio.Future[Suggested]
    helper: Helper | None = None

    @property
    def waits(self) -> bool:
        """Whether nobody was asked yet."""
        return self.helper is None and not self.answer.done()


@dataclass(eq=False)
class Assistance:
    """The requests of this process.

    Args:
        easel: the instance.
        summon: starts the local painter; False if this machine does not paint.
    """

    easel: Easel
    summon: Callable[[], Awaitable[bool]]
    _helpers: list[Helper] = field(default_factory=list)
    _asking: dict[str, _Asking] = field(default_factory=dict)
    _asked: dict[int, deque[datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _serving[self.easel] = ref(self)

    async def propose(
        self, account: Account, text: str, *, language: str = "", model: str = ""
    ) -> Advice:
        """Propose a better prompt, a title and hashtags.

        Args:
            text: what the author wrote: data, never an instruction.
            language: of title and hashtags (BCP 47); empty: the text's own.
            model: what will paint; empty: this host's default.

        Raises:
            Invalid: there are no words, too many, or none that a picture is painted from here.
            TooMany: all that the account may ask for; it says when to ask again.
        """
        if not text.strip():
            raise Invalid("There is nothing to work with: write what the picture should show.")
        if len(text) > MAX_TEXT:
            raise Invalid(f"The text is too long: at most {MAX_TEXT} characters.")
        appraisal.judge_words(self.easel.settings.painting, text)
        self._refuse_too_many(account)
        simple = suggest.by_rules(text)
        message = Suggest(
            request=secrets.token_hex(8), text=text, language=language, style=self._style(model)
        )
        try:
            answer = await self._ask(account, message)
        except TimeoutError:
            return Advice("", simple.title, simple.hashtags, note=NO_ANSWER)
        if answer is None:
            return Advice("", simple.title, simple.hashtags, note=NO_MODEL)
        return self._advice(answer, simple)

    async def reply(
        self, account: Account, question: str, *, thread: str = "", language: str = ""
    ) -> str:
        """Answer a question in words.

        Args:
            question: what somebody wrote: data, never an instruction.
            thread: the post that they ask it about: data as well.
            language: of the answer (BCP 47); empty: the question's own.

        Returns:
            The answer; empty where there is none.

        Raises:
            Invalid: its words are none that are worked with here.
            TooMany: all that the account may ask for; it says when to ask again.
        """
        rules = self.easel.settings.painting
        appraisal.judge_words(rules, question)
        self._refuse_too_many(account)
        message = Suggest(
            request=secrets.token_hex(8),
            text=question[: replies.MAX_QUESTION],
            thread=thread[: replies.MAX_THREAD],
            language=language,
            what="reply",
        )
        try:
            answer = await self._ask(account, message)
        except TimeoutError:
            return ""
        said = "" if answer is None else replies.cleaned(without_unwritable(answer.reply))
        try:
            appraisal.judge_words(rules, said)
        except Invalid:
            log.info("reply_against_the_rules")
            return ""
        return said

    async def _ask(self, account: Account, message: Suggest) -> Suggested | None:
        """Ask a language model; None where there is none.

        Raises:
            TimeoutError: it does not answer.
        """
        asking = _Asking(account.id, message, asyncio.get_running_loop().create_future())
        self._asking[message.request] = asking
        try:
            if not await self._somebody():
                return None
            self._hand_out()
            async with asyncio.timeout(WAIT_S):
                return await asking.answer
        finally:
            self._forget(asking)

    async def has_model(self) -> bool:
        """Whether there is a language model that could be asked."""
        if self._helpers:
            return True
        name = self.easel.settings.words.language_model
        return self.easel.settings.painting.local and await asyncio.to_thread(_is_here, name)

    def came(self, helper: Helper) -> None:
        """A painter has connected."""
        if helper.suggests:
            self._helpers.append(helper)
            self._hand_out()

    def left(self, helper: Helper) -> None:
        """A painter's connection is over: another is asked what it was asked."""
        if helper in self._helpers:
            self._helpers.remove(helper)
            for asking in self._asking.values():
                if asking.helper is helper:
                    asking.helper = None
            self._hand_out()

    def answered(self, helper: Helper, message: Suggested) -> None:
        """A painter has said what it has to say."""
        if helper.asked == message.request:
            helper.asked = ""
        asking = self._asking.get(message.request)
        if asking is not None and asking.helper is helper and not asking.answer.done():
            asking.answer.set_result(message)
        self._hand_out()

    async def tend(self) -> None:
        """Give what waits to who can be asked by now; have somebody come if all have gone."""
        self._hand_out()
        if not self._helpers and any(asking.waits for asking in self._asking.values()):
            await self._somebody()

    def _hand_out(self) -> None:
        for asking in list(self._asking.values()):
            if not asking.waits:
                continue
            ready = (helper for helper in self._helpers if helper.stays and not helper.asked)
            free = next(ready, None)
            if free is None:
                return
            asking.helper, free.asked = free, asking.message.request
            free.send(asking.message)

    def _forget(self, asking: _Asking) -> None:
        self._asking.pop(asking.message.request, None)
        answered = asking.answer.done() and not asking.answer.cancelled()
        if asking.helper is not None and not answered:
            # Its painter is free again when it says that it has stopped.
            asking.helper.send(Drop(request=asking.message.request))

    async def _somebody(self) -> bool:
        """Whether there is a language model that can be asked, now or in a moment."""
        if self._helpers:
            return True
        return await self.has_model() and await self.summon()

    def _refuse_too_many(self, account: Account) -> None:
        if any(asking.account_id == account.id for asking in self._asking.values()):
            raise TooMany("You have asked for something that is still being thought about.", 5)
        now, most = self.easel.clock.now(), self.easel.settings.words.max_per_hour
        for account_id, times in list(self._asked.items()):
            while times and times[0] <= now - HOUR:
                times.popleft()
            if not times:
                del self._asked[account_id]
        times = self._asked.setdefault(account.id, deque())
        if len(times) >= most:
            wait = ceil((times[0] + HOUR - now).total_seconds()) if times else 3600
            raise TooMany(
                f"You have asked for {most} proposals within an hour, and no more are allowed.",
                max(1, wait),
            )
        times.append(now)

    def _style(self, model: str) -> Literal["sentences", "tags"]:
        try:
            found = catalogue.find(model or self.easel.settings.painting.model or "starter")
        except catalogue.UnknownModel:
            return "sentences"
        return "tags" if found.family in LIKES_TAGS else "sentences"

    def _advice(self, answer: Suggested, simple: suggest.Proposal) -> Advice:
        """What a model proposed, within the rules that hold for its author, too."""
        if not answer.model:
            return Advice("", simple.title, simple.hashtags, note=NO_ANSWER)
        proposed = suggest.read(
            f"Prompt: {answer.prompt}\nTitle: {answer.title}\n"
            f"Hashtags: {' '.join(answer.hashtags)}",
            "",
        )
        said = f"{proposed.prompt}\n{proposed.title}\n{' '.join(proposed.hashtags)}"
        try:
            appraisal.judge_words(self.easel.settings.painting, said)
        except Invalid:
            log.info("proposal_against_the_rules", model=answer.model)
            return Advice("", simple.title, simple.hashtags, note=NO_ANSWER)
        return Advice(
            proposed.prompt,
            proposed.title or simple.title,
            proposed.hashtags or simple.hashtags,
            model=without_unwritable(answer.model)[:MAX_MODEL],
        )


def of(easel: Easel) -> Assistance | None:
    """That of this process, if painters connect to it."""
    found = _serving.get(easel)
    return None if found is None else found()


def _is_here(name: str) -> bool:
    try:
        helper = helpers.choose("language", name)
    except catalogue.UnknownModel:
        return False
    return helper is not None and helpers.here(helper) is not None
