-- The guard of one service on this side.
--
-- The flag is a sequence because a sequence is read as it is now, outside of any snapshot: a
-- serializable transaction that began before the closing sees the closing at its next statement.
-- Every name is qualified, operators too, instead of SET search_path, which would cost each statement
-- more than all the rest of this; and the flag's name is a constant, so that it is looked up once.
-- A flag that was never set is not 1: closed.
-- Apply workers fire statement triggers for TRUNCATE only, in replica mode, as a restore may have it, too.
CREATE OR REPLACE FUNCTION {function}() RETURNS pg_catalog.trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $guard$
BEGIN
    IF pg_catalog.pg_sequence_last_value({flag}::pg_catalog.regclass) OPERATOR(pg_catalog.=) 1 THEN
        RETURN NULL;
    END IF;
    IF TG_OP OPERATOR(pg_catalog.=) 'TRUNCATE' AND EXISTS (
        SELECT FROM pg_catalog.pg_stat_subscription s
        WHERE s.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid())
    THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'writes to %.% are closed on this side', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'read_only_sql_transaction',
              DETAIL = pg_catalog.format('The flag %s says so; `python -m migration` sets it.', {flag}),
              HINT = 'The service''s endpoint leads to the side that is open.';
END
$guard$
