"""Pictures that their authors let others train on, as those get them.

`samples` is one picture and what is said of it, `exporting` a dataset of them in files (`shards`,
`cards`), `withdrawals` the signed list of what may not be used any more, `marking`
what puts it there.
"""
