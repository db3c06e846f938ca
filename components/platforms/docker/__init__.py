"""The Docker platform: a network, an instance and a gateway for each service, in containers.

`platform.DockerPlatform` is its `interface.Platform`. In: the stack's plan (`plan.stack_plan`, pure: names,
addresses, limits) and what the host is like (`host.DockerHost.look`, `checks`: nothing is made before they
agree). Out: resources of pulumi-docker, and dynamic ones for what it lacks: files (`instance_files`,
`gateway`), what waits for a container (`instance`), networks joined while containers run (`link`), updates
while clients wait (`rolling`). docs/decisions/0060-docker-platform.md; disks: 0061, 0062; no way out: 0064.
"""
