"""What the shared database holds: its catalogue, read once, as values.

`read.read_catalog(connection, snapshot=None, application=None) -> Catalog` (`objects`): in a handful of
queries at one snapshot; `application` is the role that all services share. `tables`: `Table`, `Column`,
`Sequence`, `LargeObjectColumn`, which every part of the migration passes around. `rights`: row security.
`named`: values that another database numbers otherwise. `ddl_statement.Statement`, `described.Described`:
one statement, one object.
"""
