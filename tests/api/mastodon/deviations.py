"""Where our entities are not what Mastodon's description says, and why.

`shapes.json` holds the names and types of the description's entities, and none of its words.
"""

from __future__ import annotations

# Ours by another name: Python has that name already, or theirs says less.
NAMES = {
    "UserList": "List",
    "GroupedNotifications": "GroupedNotificationsResults",
    "SeveranceEvent": "RelationshipSeveranceEvent",
    "PartialAccount": "PartialAccountWithAvatar",
    "OEmbed": "OEmbedResponse",
    "RunningRefresh": "AsyncRefreshResponse",
    "BlockHistory": "AdminEmailDomainBlockHistory",
}

# Features that Easel does not have, and answers as Mastodon does where they are off.
NOT_HERE = {
    "AnnualReport": "no annual reports",
    "Collection": "no collections (api_versions.mastodon below 10)",
    "CollectionItem": "no collections",
    "CollectionWithAccounts": "no collections",
    "ShallowTag": "of collections",
    "FeatureApproval": "of collections",
    "IdentityProof": "gone since Mastodon 3.5",
    "Translation": "no translator",
    "TranslationPoll": "no translator",
    "TranslationPollOption": "no translator",
    "TranslationAttachment": "no translator",
    "NotificationFallback": "of collections",
}

# Parts of other answers, or of requests, or what is an entity of ours in another place.
ELSEWHERE = {
    "OAuthScope": "a string",
    "OAuthScopes": "strings",
    "MetaDetails": "`Dimensions`: we know pictures",
    "ShallowQuote": "`Quote`, with the one property or the other",
    "DiscoverOauthServerConfigurationResponse": "served beside the OAuth routes",
    "ValidationError": "served where accounts are made",
    "CustomError422": "of collections",
    "CountResponse": "one number",
    "MergedResponse": "one flag",
    "BaseStatus": "a request",
    "TextStatus": "a request",
    "MediaStatus": "a request",
    "PollStatus": "a request",
}

# Properties that the description does not have.
MORE = {
    "MediaAttachment": {
        "preview_remote_url": "served by Mastodon; Mastodon.py and Elk decode it",
        "text_url": "served by Mastodon, always null since 3.5",
    },
    "PreviewCard": {
        "language": "served by Mastodon since 4.2",
        "image_description": "served by Mastodon since 4.2",
    },
    "TrendsLink": {"language": "as PreviewCard", "image_description": "as PreviewCard"},
    "Preferences": {
        "posting:default:quote_policy": "served by Mastodon since 4.5",
        "reading:autoplay:gifs": "served by Mastodon; Elk reads it",
    },
    "AdminTag": {
        name: "Mastodon's is a Tag with more; the description has only the more"
        for name in ("id", "name", "url", "history", "following", "featuring")
    },
    "Suggestion": {"source": "served by Mastodon, for clients of before 4.3"},
    "Quote": {"quoted_status_id": "of ShallowQuote, which is the same entity here"},
    "OEmbedResponse": {
        f"thumbnail_{name}": "of oEmbed 1.0, for sites that show no HTML of others"
        for name in ("url", "width", "height")
    },
    "WebPushSubscription": {"policy": "served by Mastodon since 4.3"},
}

# Properties whose words the description lists, and that are any here.
FREE = {
    "Application": {"scopes": "the OAuth routes check them"},
    "CredentialApplication": {"scopes": "as Application"},
}
