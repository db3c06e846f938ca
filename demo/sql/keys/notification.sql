ALTER TABLE notification_schema.notifications ADD PRIMARY KEY (id, channel);
CREATE INDEX notifications_user_idx ON notification_schema.notifications (user_id);
CREATE INDEX notifications_queue_idx ON notification_schema.notifications (created_at) WHERE state = 'queued';
ALTER TABLE notification_schema.notifications ADD FOREIGN KEY (template_id) REFERENCES notification_schema.templates;
ALTER TABLE notification_schema.template_versions ADD FOREIGN KEY (template_id) REFERENCES notification_schema.templates;
CREATE INDEX jobs_due_idx ON notification_schema.jobs (queue, run_at) WHERE locked_by IS NULL;
CREATE INDEX campaign_groups_idx ON notification_schema."Campaigns" USING gin ("Ziel‑Gruppe");
CREATE UNIQUE INDEX notifications_once ON notification_schema.notifications (business_id, channel);
