"""Shapes of databases, ways to get one from a server to another, and rounds in which the ways take turns.

`shapes.SHAPES`: what is copied, by name. `ways`: other tools; `ours`: what `run` does; `floor`: parts that no
way can do without. `rounds.measure(...)`: seconds of each way. For bench/all.py and bench/copy.py.
"""
