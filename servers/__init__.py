"""PostgreSQL and PgBouncer on this machine, and a Docker Engine: started, stopped and found, without Pulumi.

Plain blocking functions; ServerError in one line. `postgres.PostgresServer(binaries, data, port, sockets,
log, ...)`, `pgbouncer.PgBouncerServer(binary, folder, port, sockets, address)`: `configure`, `start`,
`stop`, `kill`, `reload`. `pgbouncer_routes`: where a gateway leads; `core.gateway` owns the file once it
exists. `settings`: parameters brought into force, passwords set, over a connection. `binaries`, `paths`,
`ports`, `osuser` (servers refuse root), `locales`, `certificates.Authority`. `docker_engine.Engine`: the
Engine's API over its socket. `failures`: a log as one line.
"""
