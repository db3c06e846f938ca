"""Whether a service's own database has the same schema, to the letter.

`compare.compare_schemas(source, target, plan, name, contract) -> tuple[Difference, ...]`: property by
property, owners, privileges and policies included (`rights`), without what the plan drops; what was parsed
in one normal form (`forms`, docs/decisions/0066-one-normal-form.md). `repair.repair(...)`: the DDL that
makes the target equal. `verdict.verify_schema(...) -> SchemaVerdict`: both, for `verify --schema`. The gate
`schema` and the offline comparison ask the same.
"""
