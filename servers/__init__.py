"""PostgreSQL and PgBouncer processes on this machine: started, stopped and found, without Pulumi."""
