CREATE VIEW analytics_schema.recent_events AS SELECT * FROM analytics_schema.events WHERE occurred_at > now() - interval '1 hour';
CREATE MATERIALIZED VIEW analytics_schema.events_by_month AS
    SELECT date_trunc('month', occurred_at) AS month, name, count(*) AS events FROM analytics_schema.events GROUP BY 1, 2;
CREATE MATERIALIZED VIEW analytics_schema.not_filled_yet AS SELECT name FROM analytics_schema.events_by_month WITH NO DATA;
CREATE FUNCTION analytics_schema.bump(counter text) RETURNS bigint LANGUAGE sql
    AS $$ UPDATE analytics_schema.counters SET value = value + 1 WHERE name = counter RETURNING value $$;
COMMENT ON MATERIALIZED VIEW analytics_schema.events_by_month IS 'Refreshed by the nightly job';
