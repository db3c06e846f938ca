-- Why a change that is no deploy's is not carried over although a deploy's would be; NULL: it is. New tables and
-- partitions are, which jobs make and drop; whatever else a person changes is noted, as that may have reasons.
CREATE OR REPLACE FUNCTION waqiti_migration.changes_what_is_older(relation oid, before text[]) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT 'it changes a table that is older than the move'
    WHERE cardinality(before) > 0
      AND NOT EXISTS (SELECT FROM waqiti_migration.definitions b
                      WHERE b.relation = changes_what_is_older.relation AND b.made AND b.line LIKE 'relation|%')
      AND (EXISTS (SELECT FROM unnest(before) AS old
                   WHERE old LIKE 'default|%'
                     AND old NOT IN (SELECT waqiti_migration.definition_of(changes_what_is_older.relation)))
           OR EXISTS (SELECT FROM waqiti_migration.definition_of(changes_what_is_older.relation) AS line
                  WHERE split_part(line, '|', 1) <> 'parent'
                    AND waqiti_migration.but_for_its_place(line, changes_what_is_older.relation) <> ALL (
                        SELECT waqiti_migration.but_for_its_place(old, changes_what_is_older.relation) FROM unnest(before) AS old)
                    -- Detaching leaves a key of its own where it had its parent's share of one.
                    AND NOT (line LIKE 'constraint|%|f|%' AND EXISTS (SELECT FROM unnest(before) AS old WHERE old LIKE 'parent|%'))));
END;

-- A partition of a table that is published is published as it is made: without an identity nobody could change it.
CREATE OR REPLACE FUNCTION waqiti_migration.identify_partition(relation oid, service text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $identify$
DECLARE
    it record;
    application text := current_setting('application_name', true);
BEGIN
    SELECT n.nspname, c.relname INTO it
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = relation AND c.relispartition AND c.relkind = 'r' AND c.relreplident = 'd'
      AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = relation AND i.indisprimary);
    IF FOUND THEN
        INSERT INTO waqiti_migration.replica_identities (service, schema_name, table_name, identity)
        VALUES (service, it.nspname, it.relname, 'd') ON CONFLICT DO NOTHING;
        -- By this name the migration's own DDL is told.
        PERFORM set_config('application_name', 'waqiti-migration-carry', true);
        EXECUTE format('ALTER TABLE %I.%I REPLICA IDENTITY FULL', it.nspname, it.relname);
        PERFORM set_config('application_name', application, true);
    END IF;
END
$identify$;

-- Whether all rights that were given just now are on tables that are new: the other side has rights of its own.
CREATE OR REPLACE FUNCTION waqiti_migration.grants_of_new_tables(schema_name text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $grants$
DECLARE
    changed oid[];
BEGIN
    changed := ARRAY(
        SELECT DISTINCT c.oid
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL waqiti_migration.definition_of(c.oid) AS now
        WHERE n.nspname = grants_of_new_tables.schema_name AND c.relkind NOT IN ('i', 'I', 't')
          AND NOT EXISTS (SELECT FROM waqiti_migration.definitions b WHERE (b.relation, b.line) = (c.oid, now)));
    IF cardinality(changed) = 0 OR EXISTS (
        SELECT FROM unnest(changed) AS one
        WHERE NOT EXISTS (SELECT FROM waqiti_migration.definitions b
                          WHERE b.relation = one AND b.made AND b.line LIKE 'relation|%')) THEN
        RETURN false;
    END IF;
    DELETE FROM waqiti_migration.definitions b
    WHERE b.relation = ANY (changed) AND b.line NOT IN (SELECT waqiti_migration.definition_of(b.relation));
    INSERT INTO waqiti_migration.definitions (schema_name, relation, line, made)
    SELECT grants_of_new_tables.schema_name, one, now, true
    FROM unnest(changed) AS one CROSS JOIN LATERAL waqiti_migration.definition_of(one) AS now
    WHERE NOT EXISTS (SELECT FROM waqiti_migration.definitions b WHERE (b.relation, b.line) = (one, now));
    RETURN true;
END
$grants$
