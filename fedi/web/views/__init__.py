"""What templates show, made from posts and accounts: plain values, nothing to decide.

Strings in these records are text, and templates escape them; `Markup` is HTML that was sanitised
when it came in (`social.text`).
"""
