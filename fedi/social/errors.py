"""Why something that a person asked for is not done."""

from __future__ import annotations


class SocialError(Exception):
    """It cannot be done; the message is one plain sentence for the person who asked.

    Args:
        message: the sentence.
        status: the HTTP status that says the same.

    Attributes:
        field: of a form, in which what is wrong was typed; a page that knows it says so.
    """

    status = 422
    field = ""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        if status is not None:
            self.status = status


class NotFound(SocialError):
    """It does not exist, or is not this person's to see: the two must not be told apart."""

    status = 404


class NotAllowed(SocialError):
    """It exists and may be seen, but this person may not do that to it."""

    status = 403


class Later(SocialError):
    """Not now, but later.

    Args:
        message: the sentence.
        retry_after: seconds until it may be asked for again.
    """

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooMany(Later):
    """Within the limits, but this person has asked for too much of late; the message says when to
    ask again."""

    status = 429


class Busy(Later):
    """This server has too much to do just now, whoever asks."""

    status = 503


class Invalid(SocialError):
    """What was asked for makes no sense, or goes over a limit."""

    status = 422
