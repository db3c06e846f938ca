"""Progress, as a person at a terminal, a log or a program reads it.

`make.make_progress("auto" | "live" | "lines" | "json" | "silent", stream) -> Progress`; standard error by
default. `interface.Progress`, a thread-safe context manager, is what steps are given: `phase`, `table`,
`advance`, `done`, `held`, `note`, `close`. `tally`: sums, rates and times left. `units`: bytes and seconds
as people read them, for all that prints any.
"""
