"""What belongs to a service, what crosses services, and what becomes of that. Pure.

In: a `catalog.objects.Catalog` and the contract's rules. `closure.ServiceClosure(...).compute() ->
Closure`: all that a service needs. `edges`: `Edge`s that cross, `decide(edge, rules)`: the action of each;
`outside`: edges from what is no service's. `replicas.find_replicas`: what the action `reference` keeps
(columns, indexes). `rights`, `row_security`: what the service's own role could not do, or would see
otherwise (docs/decisions/0071-rights-of-the-services-role.md). `locale_uses`: what the locale has a say in.
`archives`: old copies of finished services. docs/boundaries.md.
"""
