"""PostgreSQL's parameters for a service, from its catalogue entry and the machine. Pure.

`tune.tune(entry, version=, scale=, disk=) -> dict[str, str]`: every value has its formula and source there.
`parameters.check_parameters`: what each major version knows and takes, by postgresql_parameters.json, which
was read from running servers. docs/decisions/0011-tuning.md.
"""
