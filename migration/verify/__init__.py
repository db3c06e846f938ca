"""Whether both sides hold the same rows, by every value, while both are in use.

`snapshots.consistent_snapshots(flow, tables)`: one instant of a live pair. `compare.compare(source, target,
tables, source_snapshot=, target_snapshot=, ...) -> Verification`; snapshots None: each side takes its own
(writes stopped). `objects`: sequences, large objects. `changed_keys.ChangedKeys(flow, tables)`: what both
sides' WAL says was written, from slots of its own (`change_stream`, `pgoutput`); `changed_compare`: only
these rows compared; `changed_rows`: rows without a key, counted. `scan`: read in ranges; `rows`: names
those that differ. docs/decisions/0030, 0032, 0033, 0068.
"""
