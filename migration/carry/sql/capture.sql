-- Whether this side serves the schema, and its changes are carried over. A person's session may have them noted
-- only (SET waqiti_migration.ddl = 'note'), which ends the move.
CREATE OR REPLACE FUNCTION waqiti_migration.carries(schema_name text) RETURNS boolean
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT EXISTS (
        SELECT FROM waqiti_migration.carried_schemas k
        WHERE k.schema_name = carries.schema_name
          AND current_setting('waqiti_migration.ddl', true) IS DISTINCT FROM 'note'
          AND to_regclass(k.flag) IS NOT NULL AND pg_sequence_last_value(to_regclass(k.flag)) IS NOT DISTINCT FROM 1);
END;
-- What DDL has just left behind in a schema, of a side that serves: what is carried over is written to the log of its
-- direction, in the same transaction; an error of `refuse_carrying` where it is not of those kinds. Whether anything was.
--
-- `of_deploy`: by a schema migration's login. Of anybody else, tables that are new and partitions are carried.
CREATE OR REPLACE FUNCTION waqiti_migration.carry_schema(carried waqiti_migration.carried_schemas, event text, tag text, of_deploy boolean)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $carry$
DECLARE
    touched record;
    before text[];
    why text;
    statements text[] := '{}';
    ranked text[] := '{}';
    now text[];
    found boolean := false;
BEGIN
    IF event = 'sql_drop' THEN
        FOR touched IN
            SELECT d.objid, d.original, d.normal, d.object_type, d.object_name, d.object_identity
            FROM pg_event_trigger_dropped_objects() d
            WHERE coalesce(d.schema_name, d.address_names[1]) = carried.schema_name AND NOT d.is_temporary
              AND (d.original OR d.normal)
        LOOP
            -- Judged at the command's end, with the table that it was of.
            CONTINUE WHEN touched.original AND touched.object_type = 'default value';
            IF touched.normal OR touched.object_type NOT IN ('table', 'index', 'sequence') OR NOT EXISTS (
                SELECT FROM waqiti_migration.definitions b
                WHERE b.schema_name = carried.schema_name
                  AND CASE touched.object_type WHEN 'index' THEN b.made AND starts_with(b.line, 'index|' || touched.object_name || '|')
                      -- A partition that is too old goes, too.
                      ELSE b.relation = touched.objid AND b.line LIKE 'relation|%'
                           AND (b.made OR (substr(b.line, 10)::jsonb ->> 'relispartition')::boolean) END) THEN
                PERFORM waqiti_migration.refuse_carrying(
                    carried.service, tag, touched.object_type || ' ' || touched.object_identity, 'it drops what was there');
            END IF;
            DELETE FROM waqiti_migration.definitions b
            WHERE b.schema_name = carried.schema_name
              AND CASE touched.object_type WHEN 'index' THEN starts_with(b.line, 'index|' || touched.object_name || '|')
                  ELSE b.relation = touched.objid END;
            statements := statements || format('DROP %s %s', upper(touched.object_type), touched.object_identity);
        END LOOP;
        DELETE FROM waqiti_migration.definitions b
        WHERE b.schema_name = carried.schema_name AND cardinality(statements) > 0
          AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = b.relation);
    ELSE
        IF tag IN ('GRANT', 'REVOKE') AND NOT of_deploy THEN
            RETURN waqiti_migration.grants_of_new_tables(carried.schema_name);
        END IF;
        FOR touched IN
            SELECT c.object_type, coalesce(c.object_identity, '') AS object_identity
            FROM pg_event_trigger_ddl_commands() c
            WHERE c.classid IS DISTINCT FROM 'pg_class'::regclass
              AND (carried.schema_name = coalesce(
                       c.schema_name,
                       CASE WHEN c.objid IS NOT NULL THEN
                           (pg_identify_object_as_address(c.classid, c.objid, c.objsubid)).object_names[1] END)
                   OR (tag IN ('GRANT', 'REVOKE', 'ALTER DEFAULT PRIVILEGES')
                       AND position(carried.schema_name IN current_query()) > 0))
            LIMIT 1
        LOOP
            PERFORM waqiti_migration.refuse_carrying(
                carried.service, tag, touched.object_type || ' ' || touched.object_identity,
                'only tables, columns, constraints, indexes, sequences and comments are carried over');
        END LOOP;
        FOR touched IN
            WITH told AS MATERIALIZED (
                SELECT DISTINCT r.oid
                FROM pg_event_trigger_ddl_commands() c
                LEFT JOIN pg_index i ON i.indexrelid = c.objid
                JOIN pg_class r ON r.oid = coalesce(i.indrelid, c.objid)
                JOIN pg_namespace n ON n.oid = r.relnamespace
                WHERE c.classid = 'pg_class'::regclass AND r.relpersistence <> 't'
                  AND (n.nspname = carried.schema_name OR EXISTS (
                      SELECT FROM waqiti_migration.definitions b
                      WHERE b.relation = r.oid AND b.schema_name = carried.schema_name))
            )
            SELECT told.oid FROM told
            UNION
            -- What is attached or detached is told by its parent alone.
            SELECT h.inhrelid FROM told JOIN pg_inherits h ON h.inhparent = told.oid
            WHERE NOT EXISTS (SELECT FROM waqiti_migration.definitions b
                              WHERE b.relation = h.inhrelid AND b.line = 'parent|' || h.inhparent)
            UNION
            SELECT b.relation FROM told JOIN waqiti_migration.definitions b ON b.line = 'parent|' || told.oid
            WHERE EXISTS (SELECT FROM pg_class c WHERE c.oid = b.relation)
              AND NOT EXISTS (SELECT FROM pg_inherits h WHERE (h.inhrelid, h.inhparent) = (b.relation, told.oid))
        LOOP
            found := true;
            before := ARRAY(SELECT b.line FROM waqiti_migration.definitions b WHERE b.relation = touched.oid);
            why := waqiti_migration.not_carried(touched.oid, carried.schema_name, before);
            IF why IS NULL AND NOT of_deploy THEN
                why := waqiti_migration.changes_what_is_older(touched.oid, before);
            END IF;
            IF why IS NOT NULL THEN
                PERFORM waqiti_migration.refuse_carrying(carried.service, tag, touched.oid::regclass::text, why);
            END IF;
            ranked := ranked || ARRAY(
                SELECT lpad(s.rank::text, 2, '0') || s.statement
                FROM waqiti_migration.carried_statements(touched.oid, before) s ORDER BY s.rank);
            now := ARRAY(SELECT waqiti_migration.definition_of(touched.oid));
            DELETE FROM waqiti_migration.definitions b WHERE b.relation = touched.oid AND b.line <> ALL (now);
            INSERT INTO waqiti_migration.definitions (schema_name, relation, line, made)
            SELECT carried.schema_name, touched.oid, line, true FROM unnest(now) AS line WHERE line <> ALL (before);
            PERFORM waqiti_migration.identify_partition(touched.oid, carried.service);
        END LOOP;
        PERFORM waqiti_migration.mark_made(carried.schema_name);
        statements := ARRAY(SELECT substr(one, 3) FROM unnest(ranked) WITH ORDINALITY AS r (one, number)
                      ORDER BY left(one, 2), number);
    END IF;
    IF cardinality(statements) > 0 THEN
        -- As a writer does: a closing that comes now waits for this transaction, or is seen by it.
        EXECUTE format('LOCK TABLE %s IN ROW EXCLUSIVE MODE', carried.log);
        IF NOT waqiti_migration.carries(carried.schema_name) THEN
            PERFORM waqiti_migration.refuse_carrying(
                carried.service, tag, carried.schema_name, 'a switch is under way, run it again in a moment');
        END IF;
        EXECUTE format(
            'INSERT INTO %s (role_name, application, command, object, statement, statements)'
            ' VALUES ($1, $2, $3, $4, $5, $6)', carried.log)
        USING session_user::text, coalesce(current_setting('application_name', true), ''), tag,
              carried.schema_name, left(current_query(), 2000), statements;
    END IF;
    RETURN found OR cardinality(statements) > 0;
END
$carry$;

-- Called at every DDL of the side that serves by a schema migration's login: what is not carried over is refused.
CREATE OR REPLACE FUNCTION waqiti_migration.carry_ddl(event text, tag text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $carry$
BEGIN
    IF starts_with(current_setting('application_name', true), 'waqiti-migration') OR tag = 'REFRESH MATERIALIZED VIEW' THEN
        RETURN;
    END IF;
    IF event = 'table_rewrite' THEN
        PERFORM waqiti_migration.refuse_carrying(k.service, tag, c.oid::regclass::text, 'it rewrites the table')
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN waqiti_migration.carried_schemas k ON k.schema_name = n.nspname
        WHERE waqiti_migration.carries(k.schema_name) AND c.oid = pg_event_trigger_table_rewrite_oid() AND c.relpersistence <> 't';
        RETURN;
    END IF;
    PERFORM waqiti_migration.carry_schema(k, event, tag, true)
    FROM waqiti_migration.carried_schemas k WHERE waqiti_migration.carries(k.schema_name);
END
$carry$;

-- The same for everybody else, who is refused nothing. Returns the schemas whose changes are carried over; of all
-- others they are noted.
CREATE OR REPLACE FUNCTION waqiti_migration.carry_of_others(event text, tag text) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $carry$
DECLARE
    carried waqiti_migration.carried_schemas;
    done text[] := '{}';
BEGIN
    IF starts_with(current_setting('application_name', true), 'waqiti-migration')
       OR tag = 'REFRESH MATERIALIZED VIEW' OR event NOT IN ('sql_drop', 'ddl_command_end') THEN
        RETURN done;
    END IF;
    FOR carried IN SELECT * FROM waqiti_migration.carried_schemas k WHERE waqiti_migration.carries(k.schema_name) LOOP
        BEGIN
            IF waqiti_migration.carry_schema(carried, event, tag, false) THEN
                done := done || carried.schema_name;
            END IF;
        EXCEPTION
            WHEN object_not_in_prerequisite_state THEN
                IF NOT waqiti_migration.carries(carried.schema_name) THEN
                    RAISE;
                END IF;
            WHEN OTHERS THEN
                RAISE WARNING 'a change of a schema is noted, and not carried over: %', SQLERRM;
        END;
    END LOOP;
    RETURN done;
END
$carry$
