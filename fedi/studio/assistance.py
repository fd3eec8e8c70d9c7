"""Help with words: proposals for a prompt, a title, hashtags, alt texts and a content warning, and
answers, by whoever paints.

Painters are asked by `questions`. An account asks for one thing at a time, so nobody waits behind
another's many. Nothing of it is kept, and nothing is changed: what comes of it is shown.

Where no model can be asked, or none answers in time, what can be had without one is proposed.
"""

from __future__ import annotations

import contextlib
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Literal
from weakref import WeakKeyDictionary, ref

from fedi import logs
from fedi.database.tables import Account
from fedi.runtime import Easel
from fedi.social.errors import Invalid, TooMany
from fedi.studio import advice, appraisal, sights
from fedi.studio.advice import Advice
from fedi.studio.questions import SUGGESTS, Questions
from fedi.studio.sights import Sight
from generation import catalogue, minors, replies, suggest
from generation.protocol import Look, Suggest, Suggested
from generation.recipe import without_unwritable

HOUR = timedelta(hours=1)
MAX_TEXT = suggest.MAX_TEXT
NO_MODEL = (
    "No language model is here: title and hashtags are taken from your words, and no prompt is "
    "proposed."
)
NO_WRITER = "No language model is here: title and hashtags are taken from words that are here."
NO_ANSWER = (
    "The language model did not answer in time: title and hashtags are taken from your words."
)
UNSEEN = "No model here has looked at the picture: say yourself what there is to see."
# What was trained on captions of the web rather than on sentences.
LIKES_TAGS = frozenset(("stable-diffusion", "stable-diffusion-xl"))

log = logs.get(__name__)

_serving: WeakKeyDictionary[Easel, ref[Assistance]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class _Matter:
    """What a language model works with: a prompt, a draft, and what its pictures show."""

    about: str
    draft: str
    seen: tuple[str, ...]

    @property
    def first(self) -> str:
        """What a painter works with that knows no drafts."""
        return (self.about or self.draft or " ".join(self.seen))[:MAX_TEXT]


@dataclass(eq=False)
class Assistance:
    """The requests of this process.

    Args:
        easel: the instance.
        summon: starts the local painter; False if this machine does not paint.
    """

    easel: Easel
    summon: Callable[[], Awaitable[bool]]
    _under_way: set[int] = field(default_factory=set)  # accounts
    _asked: dict[int, deque[datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.questions = Questions(self.easel, self.summon)
        _serving[self.easel] = ref(self)

    async def has_model(self) -> bool:
        """Whether there is a language model that could be asked."""
        return await self.questions.could(SUGGESTS)

    async def propose(
        self,
        account: Account,
        text: str,
        *,
        draft: str = "",
        media_ids: Sequence[int] = (),
        language: str = "",
        model: str = "",
    ) -> Advice:
        """Propose a better prompt, a title, hashtags, alt texts and a content warning.

        Args:
            text: the prompt that the author wrote: data, never an instruction. Empty: there is
                none, and none is proposed.
            draft: the post that they are writing: data as well.
            media_ids: its pictures, their own.
            language: of all but the prompt (BCP 47); empty: the text's own.
            model: what will paint; empty: this host's default.

        Raises:
            Invalid: there is nothing to work with, too much, or a prompt from which no picture is
                painted here.
            NotFound: a picture is not there, or somebody else's.
            TooMany: all that the account may ask for; it says when to ask again.
        """
        if not (text.strip() or draft.strip() or media_ids):
            raise Invalid("There is nothing to work with: write what the picture should show.")
        if len(text) > MAX_TEXT:
            raise Invalid(f"The text is too long: at most {MAX_TEXT} characters.")
        settings = self.easel.settings
        appraisal.judge_words(settings.painting, text)
        async with self.easel.database.read() as session:
            found = await sights.find(session, account, media_ids, language)
        with self._turn(account):
            found = await self._looked_at(found, language)
            about = text.strip() or next((one.prompt for one in found if one.prompt), "")
            shown = [one.seen for one in found if one.seen]
            simple = suggest.by_rules(about or " ".join(shown) or draft)
            answer = await self._proposed(
                _Matter(about, _tellable(draft), tuple(shown)), language, model
            )
        proposed = advice.believed(answer, settings.painting)
        notes = []
        if proposed is None and (about or draft.strip() or shown):
            nobody = NO_MODEL if text.strip() else NO_WRITER
            notes.append(nobody if answer is None else NO_ANSWER)
        if len(shown) < len(found):
            notes.append(UNSEEN)
        words = "\n".join((about, draft, *shown))
        return Advice(
            proposed.prompt if proposed is not None and text.strip() else "",
            (proposed.title if proposed is not None else "") or simple.title,
            (proposed.hashtags if proposed is not None else ()) or simple.hashtags,
            model="" if proposed is None else proposed.model,
            note=" ".join(notes),
            alt_texts=advice.alt_texts(found, language),
            warned=advice.warned(
                words,
                found,
                proposed,
                painting=settings.painting,
                safety=settings.safety,
                language=language,
            ),
        )

    async def _proposed(self, matter: _Matter, language: str, model: str) -> Suggested | None:
        """What a language model proposes; None where there is none, or nothing for it."""
        if not matter.first.strip():
            return None
        seen = matter.seen if matter.about or matter.draft else ()  # or they are the first
        message = Suggest(
            request=secrets.token_hex(8),
            text=matter.first,
            draft=matter.draft[:MAX_TEXT] if matter.about else "",
            seen=tuple(one[: suggest.MAX_SEEN] for one in seen),
            language=language,
            style=self._style(model),
        )
        try:
            return await self.questions.ask(message, SUGGESTS)
        except TimeoutError:
            return Suggested(request=message.request)

    async def _looked_at(self, found: list[Sight], language: str) -> list[Sight]:
        """Some pictures with what a painter sees in them, as far as nobody said it before."""
        lacks = sights.lacking(found)
        if not lacks or not await self.questions.could(lacks):
            return found
        pictures = await sights.read(self.easel.storage, found)
        if not pictures:
            return found
        describe = language if "describes" in lacks else None
        look = Look(request=secrets.token_hex(8), describe=describe)
        try:
            looked = await self.questions.ask(look, lacks, pictures)
        except TimeoutError:
            looked = None
        painting = self.easel.settings.painting
        return found if looked is None else sights.told(found, looked, painting)

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
        message = Suggest(
            request=secrets.token_hex(8),
            text=question[: replies.MAX_QUESTION],
            thread=thread[: replies.MAX_THREAD],
            language=language,
            what="reply",
        )
        with self._turn(account):
            try:
                answer = await self.questions.ask(message, SUGGESTS)
            except TimeoutError:
                return ""
        said = "" if answer is None else replies.cleaned(without_unwritable(answer.reply))
        try:
            appraisal.judge_words(rules, said)
        except Invalid:
            log.info("reply_against_the_rules")
            return ""
        return said

    @contextlib.contextmanager
    def _turn(self, account: Account) -> Iterator[None]:
        """One request of an account, from its beginning to its end.

        Raises:
            TooMany: it has one under way, or asked for as many as it may.
        """
        self._refuse_too_many(account)
        self._under_way.add(account.id)
        try:
            yield
        finally:
            self._under_way.discard(account.id)

    def _refuse_too_many(self, account: Account) -> None:
        if account.id in self._under_way:
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


def _tellable(draft: str) -> str:
    """A draft as a model hears it: of some it must not."""
    return "" if minors.shows(draft) else draft


def of(easel: Easel) -> Assistance | None:
    """That of this process, if painters connect to it."""
    found = _serving.get(easel)
    return None if found is None else found()
