"""What would be moved, how, and what is in the way: decided before anything is made.

`make.make_plan(contract, catalog, services=None, targets=None) -> Plan`, pure. `Plan.services[name]`
(`model`) has the tables, largest first, sequences, large objects, objects to dump, edges; `Plan.check()`
raises the first no-go. `facts.read_target(database, LocaleProbe) -> TargetFacts` asks a service's own
server; `preflight`: what must be true before anything is touched. `judge`, `checks`, `builds`, `targets`,
`versions`, ...: problems, a generator each. `late_checks`, `contained_checks`: checks made after the rows.
`bare_names`, `view_texts`: names without a schema (docs/decisions/0069-paths.md). `view`: the plan as text,
JSON, Mermaid.
"""
