"""References between services that no foreign key holds any more: found, and checked across databases.

`keys.crossing_references(connection, contract)`: foreign keys that cross services, those in the shared
database and those that were dropped and kept. `check.check_reference(reference, ends, limit=, look_again=)
-> Checked`: orphans, by merging sorted streams of both ends (`shape`, `streams`), looked at again while
both are written to. `model`: `Reference`, `Orphan`, `Consistency`. docs/decisions/0040-consistency.md,
0094-core-for-checks.md.
"""
