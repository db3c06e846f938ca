"""Load tests: what a service really does, replayed against its own instance, and against the shared database.

`record.record(...) -> Stretch`: units (transactions) out of a server's log, with their values, weighed by
pg_stat_statements; `stretch.write/read`: its file. `play.play(...) -> Played`: at a rate, or as fast as
answers come; `limit.rising(...)`: at rising rates up to the limit, with a forecast; `compare.compare(...)`:
both sides by turns. `places`: where a load goes; nothing in use is written to.
docs/decisions/0132-load-tests.md.
"""
