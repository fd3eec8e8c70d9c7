"""Sending: by a server that speaks SMTP, or into the log where there is none."""

from __future__ import annotations

from email.message import EmailMessage

import aiosmtplib
from aiosmtplib.errors import SMTPRecipientRefused

from fedi import logs
from fedi.jobs import GiveUp, Retry
from fedi.settings import MailSettings

log = logs.get(__name__)


async def send(message: EmailMessage, to: str, settings: MailSettings) -> None:
    """Send a message.

    Raises:
        Retry: the server cannot be reached, or wants it later.
        GiveUp: it does not want it at all.
    """
    if not settings.host:
        body = message.get_body(("plain",))
        text = body.get_content() if body is not None else ""
        log.info("mail_not_sent", to=to, subject=str(message["Subject"]), text=text)
        return
    try:
        await aiosmtplib.send(
            message,
            sender=settings.sender,
            recipients=[to],
            hostname=settings.host,
            port=settings.port,
            username=settings.user or None,
            password=settings.password or None,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            timeout=settings.timeout_s,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        refused = [one for one in error.recipients if isinstance(one, SMTPRecipientRefused)]
        reason = "; ".join(f"{one.code} {one.message}" for one in refused) or str(error)
        if refused and all(one.code >= 500 for one in refused):
            raise GiveUp(f"The address is refused: {reason}.") from error
        raise Retry(f"The address is refused for now: {reason}.") from error
    except aiosmtplib.SMTPAuthenticationError as error:  # until the host mends the settings
        raise Retry(f"The server knows not who we are: {error.message}.") from error
    except aiosmtplib.SMTPResponseException as error:
        if error.code >= 500:
            raise GiveUp(f"The mail is refused: {error.code} {error.message}.") from error
        raise Retry(f"The mail is refused for now: {error.code} {error.message}.") from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Retry(f"The server of mail.host cannot be used: {error}.") from error
