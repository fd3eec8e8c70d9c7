"""What was done in the name of this instance, as those who run it read it."""

from __future__ import annotations

from dataclasses import dataclass

from fedi.database.tables import AuditEntry
from fedi.web.views.posts import Moment, moment
from fedi.web.views.staff import COMMAND_LINE

# What was done, before the name of what it was done to. One that is missing is shown as it is kept.
DEEDS = {
    "account.none": "Warned",
    "account.sensitive": "Put a warning on all pictures of",
    "account.unsensitive": "Took the warning off the pictures of",
    "account.silence": "Silenced",
    "account.unsilence": "Lifted the silence of",
    "account.disable": "Locked out",
    "account.enable": "Let sign in again",
    "account.suspend": "Suspended",
    "account.unsuspend": "Lifted the suspension of",
    "account.approve": "Let in",
    "account.reject": "Did not let in",
    "account.delete": "Deleted all of",
    "account.role": "Changed the role of",
    "announcement.publish": "Announced",
    "announcement.remove": "Took back the announcement",
    "dataset.export": "Gave away the dataset",
    "dataset.grant": "Let listen to what may be trained on",
    "dataset.revoke": "Let listen no more",
    "domain.allow": "Allowed the domain",
    "domain.disallow": "Took off the allowed domains",
    "domain.block": "Made a rule for",
    "domain.change": "Changed the rule for",
    "domain.unblock": "Lifted the rule for",
    "email.block": "Barred the email address",
    "email.unblock": "Lifted the bar on the email address",
    "email_domain.block": "Barred email addresses of",
    "email_domain.unblock": "Lifted the bar on email addresses of",
    "emoji.add": "Added the emoji",
    "emoji.remove": "Took away the emoji",
    "invite.create": "Made the invitation",
    "invite.revoke": "Took back the invitation",
    "job.retry": "Retried the job",
    "job.drop": "Dropped the job",
    "network.block": "Barred the network",
    "network.change": "Changed the bar on the network",
    "network.unblock": "Lifted the bar on the network",
    "painter.remove": "Shut out the painter",
    "painting.stop": "Stopped the picture",
    "picture.approve": "Approved the picture",
    "picture.refuse": "Refused the picture",
    "report.assign_to_self": "Looks after the report",
    "report.unassign": "Looks no more after the report",
    "report.forward": "Passed on the report",
    "report.reopen": "Opened again the report",
    "report.resolve": "Settled the report",
    "report.update": "Sorted the report",
    "rule.add": "Made the rule",
    "rule.remove": "Took back the rule",
    "server.retry": "Tried again the server",
    "status.delete": "Deleted the post",
    "storage.prune": "Made room, of files of other servers:",
    "storage.sweep": "Had files looked for that nothing names",
    "style.remove": "Removed the style",
    "style.train": "Began to learn the style",
    "tag.update": "Decided about the tag",
    **{
        f"{kind}.{deed}": f"{words} as a trend the {name}"
        for kind, name in {
            "status": "post",
            "tag": "hashtag",
            "link": "link",
            "prompt": "prompt",
            "chain": "chain of remixes",
        }.items()
        for deed, words in {"approve": "Approved", "reject": "Rejected"}.items()
    },
}
# Whose rows have pages for those who run the instance.
_PAGES = {"account": "/admin/accounts", "report": "/admin/reports"}


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was done.

    Attributes:
        who: did it.
        done: what, in words that end before `target`.
        href: where what it was done to is looked after; None: nowhere.
        more: what else is kept of it.
    """

    who: str
    done: str
    target: str
    href: str | None
    more: str
    when: Moment


def entry(row: AuditEntry) -> Entry:
    page = _PAGES.get(row.action.partition(".")[0])
    return Entry(
        who=f"@{row.actor}" if row.actor else COMMAND_LINE,
        done=DEEDS.get(row.action, row.action),
        target=row.target,
        href=f"{page}/{row.target_id}" if page and row.target_id else None,
        more=", ".join(f"{name}: {value}" for name, value in row.details.items()),
        when=moment(row.created_at),
    )
