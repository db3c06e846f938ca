-- A smallest commit: one WAL record, flushed as every client's commit is. Nobody listens to the message.
SELECT pg_logical_emit_message(true, 'waqiti_probe', '')
