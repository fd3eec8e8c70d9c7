"""Why something that a person asked for is not done."""

from __future__ import annotations


class SocialError(Exception):
    """It cannot be done; the message is one plain sentence for the person who asked.

    Args:
        message: the sentence.
        status: the HTTP status that says the same.
    """

    status = 422

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


class TooMany(SocialError):
    """Within the limits, but not yet; the message says when.

    Args:
        message: the sentence.
        retry_after: seconds until it may be asked for again.
    """

    status = 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Invalid(SocialError):
    """What was asked for makes no sense, or goes over a limit."""

    status = 422
