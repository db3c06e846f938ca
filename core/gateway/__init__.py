"""A service's gateway, PgBouncer, through its console and its routes file.

`gateway.Gateway(service, source)`: `pause(seconds)`, `resume()`, `is_paused()`, `prepare(to)`, `repoint(to)`,
`route()`, `is_at(route)`, `clients()`, `settings()`, `settle()`. A pause that is given up resumes and names
the clients (StepTimeout); all else that fails is GatewayFailed. `connected()` keeps one console session for
all calls inside. `pods`: those of one on Kubernetes. `together.Gateways`: many paused and resumed at once.
`claim.Claim`: one process at a time may pause a gateway for a moment; `watchdog`: a process of its own
resumes for one that was killed. `console`: the admin console, with time-outs.
"""
