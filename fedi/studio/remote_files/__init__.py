"""Files of other servers: fetched once, looked at, kept within a budget, shown from our origin.

`claims` says what is meant and under which address of ours it is read, `inspection` looks at what
came, `fetching` gets it, `keeping` makes room, and `gallery` is what pages ask.
"""
