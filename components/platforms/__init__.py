"""The platforms that a stack can run on: each makes a network, an instance and a gateway.

`interface.Platform` is what one must offer: `network`, `instance` and `gateway` take a frozen value of
arguments and give a resource with its endpoint and control; `let_through` admits the instance of a service
that reads another (docs/decisions/0065-readers.md). `components.service.database` is the only caller.

`local` and `docker` are platforms; a new one is a package beside them with a class of the same four
methods, named in `components.program.platform`. They share `provider` (dynamic providers), `audit` and
`locale_check`, which are pure.
"""
