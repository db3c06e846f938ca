"""A stack's settings, from Pulumi's configuration and the environment, read and checked.

`read.read_settings(configuration, environment, catalogue, ...) -> Settings`. Raises ConfigurationError with
every problem at once. `rules.check`: what settings may not be, given the catalogue and the host. Pure.
"""
