"""What authors let others train on: nothing, until they say so; and what went out because they did.

`choices` is what they say, `standing` how it stands, `offers` what that comes to, `ledger` what was
given to whom and taken back since, `grants` who hears of it live, `lessons` what was learned from
here, `pseudonyms` by which names that lead nowhere.
"""
