"""How a service's applications connect through its endpoint.

`connecting.connecting(service) -> Connecting`: address, names, certificate, pool, and what the
gateway's PgBouncer can. `formats.rendered(kind, connecting) -> str`: as Spring, properties, env, libpq,
SQLAlchemy, pgx or node take it. docs/applications.md.
"""
