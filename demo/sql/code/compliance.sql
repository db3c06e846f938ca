ALTER TABLE compliance_schema.alerts ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_region ON compliance_schema.alerts USING (
    coalesce(nullif(current_setting('waqiti.region', true), ''), region) = region);
CREATE POLICY nothing_deleted ON compliance_schema.alerts AS RESTRICTIVE FOR DELETE USING (resolved);
CREATE FUNCTION compliance_schema.similar_names(wanted text) RETURNS TABLE (id integer, name text, likeness real) LANGUAGE sql STABLE
    AS $$ SELECT s.id, s.name, public.similarity(s.name, wanted) FROM compliance_schema.sanctions_entries s
          WHERE s.name OPERATOR(public.%) wanted ORDER BY 3 DESC LIMIT 10 $$;
CREATE VIEW compliance_schema.open_cases AS SELECT * FROM compliance_schema.kyc_cases WHERE closed_at IS NULL;
COMMENT ON POLICY by_region ON compliance_schema.alerts IS 'Analysts see their region; services see all';
COMMENT ON COLUMN compliance_schema.kyc_documents.scan IS 'A large object';
GRANT USAGE ON SCHEMA compliance_schema TO waqiti_readonly;
GRANT EXECUTE ON FUNCTION compliance_schema.similar_names(text) TO waqiti_readonly;
