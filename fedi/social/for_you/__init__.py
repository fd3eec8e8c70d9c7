"""«For you»: pictures that a reader may like, by what they themselves like; off until they say so.

`features` says what a picture is about, and `index` keeps that for all of them, by a job; `looks`
keeps which pictures a painter is to look at, and what it saw. `taste`
reads what a reader did, each time anew: nothing of it is stored. `candidates` finds what may be
shown to them, `formula` says how well it fits and why, `ranking` puts it in order, and `feed` shows
a page of that. `choices` is what a reader tuned, and `marks` of what they want more or less.
"""
