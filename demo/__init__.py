"""A shared database worth migrating, a workload, and the driver of the whole job (`script/demo`).

`python -m demo up | down | workload | invariants`. `driver.demonstrate` is the whole;
`database.build_database` makes the eight schemas, `migrating` runs `python -m migration` as a user would,
`direct.direct_contract` is a contract without a stack. `environment`: what it runs in. `workload`: what its
applications do. demo/README.md.
"""
