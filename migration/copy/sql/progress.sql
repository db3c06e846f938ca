-- What the COPY of one client has taken so far: bytes of its stream, and rows.
SELECT p.bytes_processed, p.tuples_processed
FROM pg_stat_progress_copy p
JOIN pg_stat_activity a USING (pid)
WHERE a.application_name = %(application_name)s
  AND a.datname = current_database()
