-- Runs in the apply worker of the side that follows, in the transaction that is being applied: a row with a new
-- column comes after the column. It acts as the owner of the service's objects.
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger
LANGUAGE plpgsql
SET role = {owner} SET search_path = '' SET application_name = 'waqiti-migration-carry'
SET datestyle = 'ISO, MDY' SET intervalstyle = 'postgres' SET timezone = 'UTC' SET bytea_output = 'hex'
-- Whoever reads the table first goes on reading: the worker gives up, and tries again some seconds later. If it
-- stood in the queue instead, readers that a reader of its own transaction waits for would stand behind it.
SET lock_timeout = '1s' SET statement_timeout = '0'
AS $apply$
DECLARE
    one text;
BEGIN
    FOREACH one IN ARRAY NEW.statements LOOP
        EXECUTE one;
    END LOOP;
    RETURN NEW;
END
$apply$
