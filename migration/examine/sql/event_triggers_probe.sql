-- DDL of every kind that a move does in the shared database, of objects of its own; rolled back by who runs it.
CREATE SCHEMA waqiti_migration_probe;
CREATE TABLE waqiti_migration_probe.one (id int PRIMARY KEY);
ALTER TABLE waqiti_migration_probe.one REPLICA IDENTITY FULL;
CREATE FUNCTION waqiti_migration_probe.passes() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER passes BEFORE INSERT ON waqiti_migration_probe.one
    FOR EACH ROW EXECUTE FUNCTION waqiti_migration_probe.passes();
GRANT USAGE ON SCHEMA waqiti_migration_probe TO PUBLIC;
CREATE PUBLICATION waqiti_migration_probe FOR TABLE waqiti_migration_probe.one;
DROP PUBLICATION waqiti_migration_probe;
ALTER SCHEMA waqiti_migration_probe RENAME TO waqiti_migration_probed;
DROP SCHEMA waqiti_migration_probed CASCADE
