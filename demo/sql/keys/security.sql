ALTER TABLE security_schema.audit_events ADD PRIMARY KEY (id, at);
CREATE INDEX audit_business_idx ON security_schema.audit_events (business_id) WHERE business_id IS NOT NULL;
ALTER TABLE security_schema.roles ADD FOREIGN KEY (inherits) REFERENCES security_schema.roles;
ALTER TABLE security_schema.permissions ADD FOREIGN KEY (role_id) REFERENCES security_schema.roles;
ALTER TABLE security_schema.memberships ADD FOREIGN KEY (role_id) REFERENCES security_schema.roles;
CREATE UNIQUE INDEX memberships_key ON security_schema.memberships (user_id, role_id);
CREATE INDEX failed_logins_place_idx ON security_schema.failed_logins USING gist (place);
CREATE INDEX failed_logins_address_idx ON security_schema.failed_logins USING spgist (address);
