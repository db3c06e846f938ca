-- What is in force, and what a restart or a reload would bring. `reset_val`: not what this session set itself.
SELECT s.name, s.reset_val, s.unit, s.vartype, s.source, s.sourcefile, s.sourceline, s.pending_restart,
       f.setting AS in_file, f.sourcefile AS of_file
FROM pg_catalog.pg_settings s
LEFT JOIN (SELECT DISTINCT ON (name) name, setting, sourcefile
           FROM pg_catalog.pg_file_settings ORDER BY name, seqno DESC) f ON f.name = s.name
WHERE s.source NOT IN ('client', 'session', 'default', 'override', 'dynamic default')
   OR f.name IS NOT NULL OR s.pending_restart OR s.name = ANY(%(names)s)
