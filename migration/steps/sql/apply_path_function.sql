-- Lets what a replicated row calls find names as the service's sessions do: apply workers have an empty search_path,
-- whatever their role's or database's is. Its trigger fires in replica mode alone, before checks and generated columns
-- are evaluated, and does nothing in other sessions that load in that mode.
-- Every name is qualified, operators too: a SET clause would take back what it sets.
CREATE OR REPLACE FUNCTION {function}() RETURNS pg_catalog.trigger
LANGUAGE plpgsql
AS $path$
BEGIN
    IF pg_catalog.current_setting('search_path') OPERATOR(pg_catalog.=) '' AND EXISTS (
        SELECT FROM pg_catalog.pg_stat_subscription s
        WHERE s.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid())
    THEN
        PERFORM pg_catalog.set_config('search_path', {path}, true);
    END IF;
    RETURN NEW;
END
$path$
