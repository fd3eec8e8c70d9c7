"""A letter as it goes out: plain text, and simple HTML that says the same."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path

import jinja2

from fedi.settings import InstanceSettings, MailSettings

WIDTH = 72  # characters of a line
MAX_SUBJECT = 200  # characters
NOBODY = "easel@localhost"  # the sender of what goes into the log

_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What somebody is told.

    Attributes:
        paragraphs: what it says.
        quoted: what somebody else wrote, as text.
        lines: a list.
        button: the one thing that can be done, and its address.
        after: what stands below that.
        unsubscribe: where who wants no more of these says so; empty for what must be said.
    """

    subject: str
    paragraphs: list[str]
    quoted: str = ""
    lines: list[str] = field(default_factory=list)
    button: tuple[str, str] | None = None
    after: list[str] = field(default_factory=list)
    unsubscribe: str = ""


def compose(
    letter: Letter, to: str, instance: InstanceSettings, settings: MailSettings, now: datetime
) -> EmailMessage:
    """A message.

    Args:
        to: an email address, as `social.email_addresses` has it.

    Raises:
        ValueError: an address or a header could be read as more than one.
    """
    message = EmailMessage(policy=policy.SMTP)
    sender = Address(one_line(instance.name), addr_spec=settings.sender or NOBODY)
    message["From"] = sender
    message["To"] = Address(addr_spec=to)
    message["Subject"] = one_line(letter.subject)[:MAX_SUBJECT]
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=sender.domain)
    message["Auto-Submitted"] = "auto-generated"  # no answers of machines (RFC 3834)
    if letter.unsubscribe:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    message.set_content(_plain(letter, instance))
    html = _environment.get_template("letter.html").render(letter=letter, instance=instance)
    message.add_alternative(html, subtype="html")
    return message


def one_line(text: str) -> str:
    """Text that ends no header."""
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()


def _plain(letter: Letter, instance: InstanceSettings) -> str:
    parts = [_wrapped(paragraph) for paragraph in letter.paragraphs]
    if letter.quoted:
        lines = [_wrapped(line, "> ") or ">" for line in letter.quoted.splitlines()]
        parts.append("\n".join(lines))
    if letter.lines:
        parts.append("\n".join(_wrapped(line, "* ", "  ") for line in letter.lines))
    if letter.button is not None:
        parts.append(f"{letter.button[0]}:\n{letter.button[1]}")
    parts += [_wrapped(paragraph) for paragraph in letter.after]
    end = f"-- \n{instance.name}\n{instance.url}"
    if letter.unsubscribe:
        end += f"\n\nNo more of these:\n{letter.unsubscribe}"
    return "\n\n".join([*parts, end]) + "\n"


def _wrapped(text: str, first: str = "", rest: str | None = None) -> str:
    return textwrap.fill(
        one_line(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
