-- Months from half a year back to two ahead, and a default for what falls outside.
DO $$
DECLARE
    parent text;
    month date;
BEGIN
    FOREACH parent IN ARRAY ARRAY['user_schema.login_history', 'analytics_schema.events', 'security_schema.audit_events'] LOOP
        FOR month IN SELECT generate_series(date_trunc('month', now()) - interval '6 months',
                                            date_trunc('month', now()) + interval '2 months', '1 month') LOOP
            EXECUTE format('CREATE TABLE %s_%s PARTITION OF %s FOR VALUES FROM (%L) TO (%L)',
                           parent, to_char(month, 'YYYY_MM'), parent,
                           to_char(month, 'YYYY-MM-DD 00:00:00+00'),
                           to_char(month + interval '1 month', 'YYYY-MM-DD 00:00:00+00'));
        END LOOP;
        EXECUTE format('CREATE TABLE %s_default PARTITION OF %s DEFAULT', parent, parent);
    END LOOP;
END
$$;
