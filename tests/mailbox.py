"""A mail server of the tests' own: real SMTP on loopback, whose mail the test reads."""

from __future__ import annotations

import asyncio
import email
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests import rig


@dataclass
class Mail:
    """A mail as it arrived."""

    sender: str
    to: list[str]
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    def _part(self, kind: str) -> str:
        body = self.message.get_body((kind,))
        assert body is not None
        return str(body.get_content())

    def link(self, path: str) -> str:
        """The path and query of the link to a page of ours."""
        [found] = set(re.findall(rf"https?://[^/\s]+({re.escape(path)}[^\s<>]*)", self.text))
        return str(found)


@dataclass
class Mailbox:
    """What arrived.

    Attributes:
        port: of the server.
        answers: what it says to the next recipients, such as `550 No such user`.
    """

    port: int
    mails: list[Mail] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message: Any = email.message_from_bytes(content, policy=policy.default)
        self.mails.append(Mail(str(envelope.mail_from), list(envelope.rcpt_tos), message))
        return "250 OK"

    def take(self, *to: str) -> Mail:
        """The one mail that is there, which must be for these."""
        [mail] = self.mails
        self.mails.clear()
        assert mail.to == list(to)
        return mail

    @property
    def settings(self) -> dict[str, Any]:
        """The section `mail` of an instance that sends by it."""
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "security": "none",
            "sender": "easel@test.example",
        }


@asynccontextmanager
async def open_mailbox() -> AsyncIterator[Mailbox]:
    """A mail server while the context lasts."""
    sock = rig.free_socket()
    mailbox = Mailbox(sock.getsockname()[1])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="localhost", loop=loop), sock=sock
    )
    try:
        yield mailbox
    finally:
        server.close()
        await server.wait_closed()
