"""Drives Mastodon.py as an app would: one call a line on stdin, what it gave on stdout.

Runs in the environment of this folder. A call is `{"call": name, ...}`; an answer is
`{"gave": ...}` or `{"failed": ...}`.
"""

from __future__ import annotations

import json
import queue
import sys
from typing import Any

from mastodon import CallbackStreamListener, Mastodon

SCOPES = ["read", "write", "follow", "push"]
PATIENCE_S = 20


class App:
    """An app that somebody is signed in with."""

    def register(self, url: str) -> Any:
        key, secret = Mastodon.create_app("Mastodon.py", scopes=SCOPES, api_base_url=url)
        self.api = Mastodon(client_id=key, client_secret=secret, api_base_url=url)
        return self.api.auth_request_url(scopes=SCOPES, allow_http=True)

    def sign_in(self, code: str) -> Any:
        return self.api.log_in(code=code, scopes=SCOPES, allow_http=True)

    def verify(self) -> Any:
        return self.api.account_verify_credentials()

    def upload(self, path: str, description: str) -> Any:
        return self.api.media_post(path, description=description, synchronous=True)

    def post(self, text: str, media: list[str]) -> Any:
        return self.api.status_post(text, media_ids=media or None)

    def reply(self, text: str, to: str) -> Any:
        return self.api.status_post(text, in_reply_to_id=to)

    def edit(self, id: str, text: str) -> Any:
        return self.api.status_update(id, text)

    def delete(self, id: str) -> Any:
        return self.api.status_delete(id)

    def favourite(self, id: str) -> Any:
        return self.api.status_favourite(id)

    def boost(self, id: str) -> Any:
        return self.api.status_reblog(id)

    def bookmark(self, id: str) -> Any:
        self.api.status_bookmark(id)
        return self.api.bookmarks()

    def find(self, handle: str) -> Any:
        return self.api.search(handle, resolve=True, result_type="accounts")["accounts"]

    def follow(self, id: str) -> Any:
        return self.api.account_follow(id)

    def home(self) -> Any:
        return self.api.timeline_home()

    def notifications(self) -> Any:
        return self.api.notifications()

    def list(self, title: str, account: str) -> Any:
        made = self.api.list_create(title)
        self.api.list_accounts_add(made, [account])
        return {
            "lists": self.api.lists(),
            "members": self.api.list_accounts(made),
            "timeline": self.api.timeline_list(made),
        }

    def filter(self, phrase: str) -> Any:
        self.api.create_filter_v2(
            phrase, ["home"], "warn", keywords_attributes=[{"keyword": phrase, "whole_word": True}]
        )
        return [one["title"] for one in self.api.filters_v2()]

    def poll(self, text: str, options: list[str]) -> Any:
        return self.api.status_post(text, poll=self.api.make_poll(options, 3600))

    def vote(self, poll: str, choice: int) -> Any:
        return self.api.poll_vote(poll, [choice])

    def listen(self) -> Any:
        self.heard: queue.Queue[Any] = queue.Queue()
        listener = CallbackStreamListener(update_handler=self.heard.put)
        handle = self.api.stream_user(listener, run_async=True)
        return handle.is_alive()

    def hear(self) -> Any:
        return self.heard.get(timeout=PATIENCE_S)

    def push(self, endpoint: str, p256dh: str, auth: str) -> Any:
        import base64

        def read(text: str) -> bytes:
            return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

        keys = {"pubkey": read(p256dh), "auth": read(auth)}
        self.api.push_subscription_set(endpoint, keys, favourite_events=True, mention_events=False)
        return self.api.push_subscription()


def main() -> None:
    app = App()
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            told = {"gave": getattr(app, asked.pop("call"))(**asked)}
        except Exception as error:
            told = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(told, default=str), flush=True)


if __name__ == "__main__":
    main()
