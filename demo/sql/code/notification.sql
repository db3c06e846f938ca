CREATE FUNCTION notification_schema.next_job(wanted text, worker text) RETURNS notification_schema.jobs LANGUAGE sql AS $$
    UPDATE notification_schema.jobs SET locked_by = worker, attempts = attempts + 1
    WHERE id = (SELECT id FROM notification_schema.jobs WHERE queue = wanted AND locked_by IS NULL ORDER BY run_at FOR UPDATE SKIP LOCKED LIMIT 1)
    RETURNING * $$;
CREATE VIEW notification_schema.queue_length AS SELECT channel, count(*) AS waiting FROM notification_schema.notifications WHERE state = 'queued' GROUP BY channel;
CREATE FUNCTION notification_schema.announce() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('jobs', NEW.queue);
    RETURN NULL;
END
$$;
CREATE TRIGGER jobs_announce AFTER INSERT ON notification_schema.jobs FOR EACH ROW EXECUTE FUNCTION notification_schema.announce();
ALTER TABLE notification_schema."Campaigns" ALTER COLUMN "Ziel‑Gruppe" SET STORAGE EXTERNAL;
