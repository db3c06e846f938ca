ALTER TABLE user_schema.users ADD PRIMARY KEY (id);
ALTER TABLE user_schema.users ADD CONSTRAINT users_public_id_key UNIQUE (public_id);
CREATE UNIQUE INDEX users_email_key ON user_schema.users (email);
CREATE UNIQUE INDEX users_handle_lower_key ON user_schema.users (lower(handle));
CREATE INDEX users_phone_idx ON user_schema.users (public.normalise_phone(phone)) WHERE phone IS NOT NULL;
CREATE INDEX users_settings_idx ON user_schema.users USING gin (settings jsonb_path_ops);
CREATE INDEX users_search_idx ON user_schema.users USING gin (search_text public.gin_trgm_ops) WHERE country = 'GB';
CREATE INDEX users_suspended_idx ON user_schema.users (id) WHERE status = 'suspended';
ALTER TABLE user_schema.users ADD CONSTRAINT users_referred_by_fkey FOREIGN KEY (referred_by) REFERENCES user_schema.users;
-- A user points at the default address and an address at its user: neither can be first, so both wait.
ALTER TABLE user_schema.users ADD CONSTRAINT users_default_address_fkey FOREIGN KEY (default_address_id)
    REFERENCES user_schema.addresses DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE user_schema.addresses ADD CONSTRAINT addresses_user_fkey FOREIGN KEY (user_id)
    REFERENCES user_schema.users ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX addresses_city_idx ON user_schema.addresses (((address).city));
ALTER TABLE user_schema.credentials ADD FOREIGN KEY (user_id) REFERENCES user_schema.users;
ALTER TABLE user_schema.devices ADD FOREIGN KEY (user_id) REFERENCES user_schema.users;
CREATE INDEX devices_user_idx ON user_schema.devices (user_id) INCLUDE (platform);
CREATE INDEX devices_attributes_idx ON user_schema.devices USING gist (attributes);
ALTER TABLE user_schema.consents ADD FOREIGN KEY (user_id) REFERENCES user_schema.users;
CREATE UNIQUE INDEX user_tags_key ON user_schema.user_tags (user_id, tag);
ALTER TABLE user_schema.user_tags REPLICA IDENTITY USING INDEX user_tags_key;
CREATE INDEX login_history_at_idx ON user_schema.login_history USING brin (logged_in_at);
CREATE INDEX "Preferences by ""Theme""" ON user_schema."User Preferences" ("Theme");
