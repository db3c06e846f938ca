-- How well the service's business goes, by its team's own query, for a role that may read none of its tables.
--
-- It runs as the objects' owner, and may only read, as STABLE functions may. NULL: what it asks for is not there (yet).
CREATE SCHEMA IF NOT EXISTS waqiti_ddl;
CREATE OR REPLACE FUNCTION waqiti_ddl.business() RETURNS double precision
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = {path}
AS $business$
BEGIN
    RETURN CAST(({query}) AS double precision);
EXCEPTION
    WHEN undefined_table OR undefined_column OR undefined_function OR undefined_object OR invalid_schema_name THEN
        RETURN NULL;
END
$business$;
ALTER FUNCTION waqiti_ddl.business() OWNER TO {owner};
REVOKE ALL ON FUNCTION waqiti_ddl.business() FROM PUBLIC;
GRANT USAGE ON SCHEMA waqiti_ddl TO {monitoring};
GRANT EXECUTE ON FUNCTION waqiti_ddl.business() TO {monitoring};
