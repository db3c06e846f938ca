-- an event trigger that writes to a table of a service: it fires for what the migration makes, while the table is closed
-- @setup
CREATE TABLE user_schema.said (tag text, at timestamptz DEFAULT now());
CREATE FUNCTION user_schema.say() RETURNS event_trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO user_schema.said (tag) VALUES (tg_tag); END';
CREATE EVENT TRIGGER say ON ddl_command_end EXECUTE FUNCTION user_schema.say();
-- @refused event trigger say writes to table user_schema.said, which a service's move closes
-- @remedy ALTER EVENT TRIGGER "say" DISABLE
-- @after
INSERT INTO said VALUES ('x')
