"""The local platform: a network, an instance and a gateway for each service, as processes of this machine.

`platform.LocalPlatform` is its `interface.Platform`. `instance` and `gateway` are dynamic resources over
`servers`; `components.platforms.certificates` has the network: loopback, and a certificate authority that
separates services. docs/decisions/0020-local-platform.md.
"""
