CREATE INDEX kyc_open_idx ON compliance_schema.kyc_cases (opened_at) WHERE closed_at IS NULL;
CREATE INDEX kyc_findings_idx ON compliance_schema.kyc_cases USING gin (findings);
ALTER TABLE compliance_schema.kyc_documents ADD FOREIGN KEY (case_id) REFERENCES compliance_schema.kyc_cases;
CREATE INDEX sanctions_name_idx ON compliance_schema.sanctions_entries USING gist (name public.gist_trgm_ops);
CREATE INDEX sanctions_search_idx ON compliance_schema.sanctions_entries USING gin (search);
CREATE INDEX alerts_user_idx ON compliance_schema.alerts (user_id) WHERE NOT resolved;
ALTER TABLE compliance_schema.alert_notes ADD FOREIGN KEY (alert_id) REFERENCES compliance_schema.alerts ON DELETE CASCADE;
ALTER TABLE compliance_schema.rule_versions ADD CONSTRAINT versions_rule_fkey FOREIGN KEY (rule_id) REFERENCES compliance_schema.rules;
ALTER TABLE compliance_schema.rules ADD CONSTRAINT rules_current_fkey FOREIGN KEY (id, current_version)
    REFERENCES compliance_schema.rule_versions (rule_id, version) MATCH SIMPLE DEFERRABLE INITIALLY DEFERRED;
