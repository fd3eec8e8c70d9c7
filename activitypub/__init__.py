"""The ActivityPub protocol as a library.

It knows no database, no web framework and no settings: bytes and documents come in, typed
records, verdicts and bytes go out.
"""
