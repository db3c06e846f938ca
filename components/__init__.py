"""What a stack declares: one isolated PostgreSQL for each service, on whichever platform the stack names.

In: services.yaml (`catalogue`), Pulumi's configuration and the environment (`settings`). Out: resources,
and the stack's outputs `contract`, `endpoints` and `spring` (`outputs`).

`program` has the steps of `__main__.py`. `contract.Contract` is all that `migration` and `operations` read
of a stack. `replication_roles` names the roles that stream, which the stack makes without a password.
`provider_names` has the names of dynamic providers in Pulumi's state, which outlive their modules
(docs/decisions/0075-names-of-providers.md). `problems.ConfigurationError` carries all that is wrong with a
configuration, each as a `Problem` with its place.
"""
