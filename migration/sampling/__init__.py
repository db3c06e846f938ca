"""Throughput and latency while services move, from counters that only grow, kept in a file a stack.

`sampler.sampled(contract)` looks once a second while a verb is at work, in a thread of its own; `look.Looks`
is one look: each gateway's `SHOW STATS`, and now and then pg_stat_statements of the shared and of each own
database. `kept.read(file, since) -> [Sample]`. What is made of them: `migration.report.load`.
"""
