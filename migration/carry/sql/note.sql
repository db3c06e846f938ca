-- What was made since the start goes with the rest when the move is given up: `migration.schema` notes it.
CREATE OR REPLACE FUNCTION waqiti_migration.mark_made(schema_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $mark$
BEGIN
    IF to_regclass('waqiti_migration.schema_objects') IS NOT NULL THEN
        INSERT INTO waqiti_migration.schema_objects (service, classid, objid)
        SELECT k.service, 'pg_class'::regclass, b.relation
        FROM waqiti_migration.definitions b
        JOIN waqiti_migration.carried_schemas k ON k.schema_name = b.schema_name
        WHERE b.schema_name = mark_made.schema_name AND b.made AND b.line LIKE 'relation|%'
          AND NOT EXISTS (SELECT FROM pg_depend d
                          WHERE d.classid = 'pg_class'::regclass AND d.objid = b.relation AND d.deptype = 'i')
        ON CONFLICT DO NOTHING;
    END IF;
END
$mark$;

-- On the side that follows, after a change was applied: what the schema's relations are now.
CREATE OR REPLACE FUNCTION waqiti_migration.note_definitions() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $note$
BEGIN
    WITH now AS MATERIALIZED (
        SELECT c.oid AS relation, line
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL waqiti_migration.definition_of(c.oid) AS line
        WHERE n.nspname = NEW.object AND c.relkind NOT IN ('i', 'I', 't')
    ), gone AS (
        DELETE FROM waqiti_migration.definitions b
        WHERE b.schema_name = NEW.object
          AND NOT EXISTS (SELECT FROM now WHERE (now.relation, now.line) = (b.relation, b.line))
    )
    INSERT INTO waqiti_migration.definitions (schema_name, relation, line, made)
    SELECT NEW.object, now.relation, now.line, true FROM now
    WHERE NOT EXISTS (SELECT FROM waqiti_migration.definitions b WHERE (b.relation, b.line) = (now.relation, now.line));
    PERFORM waqiti_migration.mark_made(NEW.object);
    RETURN NULL;
END
$note$
