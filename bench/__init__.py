"""What is measured, and how. `python -m bench` prints a table and writes `bench/results.json`.

Times by the clock drift with the machine, so what can be a ratio is one: ours against the bare
thing, in turns, in the same run; the best of three rounds is kept.
"""
