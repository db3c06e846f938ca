"""A schema's way: dumped once, created before the rows, built after them, taken back.

`dump.dump_schema(source, directory, version, snapshot)`: one for all targets of a major version (`dumps`
keeps them). `create.create_schema(...)`: what comes before the rows; `create.build_indexes(...)`: the rest,
in parallel (`phases`, `build`), going on where it was cut off; `early.early_builds(...)`: large tables'
indexes, beside the copy. `target.drop_schema_on_target`: only what is
noted as made. All act as the migration role for the owner. `script`: which entries of a dump (`archive`) a
service gets. `grants`: the service's role gets what the common role could. `replica_tables`: the DDL of
replicas.
"""
