"""Web push: telling somebody's app of a notification while it does not run.

notifications -> subscriptions.wanted (who asked for it) -> a job `push` for each
-> messages (what it says) -> encryption (for the app alone) -> the app's push service
"""
