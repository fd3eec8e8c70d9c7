"""What many people do something with these days: posts, hashtags, links, prompts, remix chains.

`formula` says how much something counts and why; `signals` reads what people did, `counting` counts
it when it changes, by a job; `listing` says what is shown to whom, and the reason; `verdicts` is
what moderators think of it; `histories` tells how often something was used, day by day.
"""
