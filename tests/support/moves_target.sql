GRANT {owner} TO {migration};
GRANT pg_monitor, pg_read_all_data, pg_signal_backend, pg_checkpoint TO {migration};
ALTER ROLE {migration} REPLICATION BYPASSRLS;
ALTER DATABASE {database} OWNER TO {owner};
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {service};
CREATE SCHEMA {schema} AUTHORIZATION {owner};
GRANT USAGE ON SCHEMA {schema} TO {service};
ALTER ROLE {service} SET search_path = {schema}, public
