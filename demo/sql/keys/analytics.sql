ALTER TABLE analytics_schema.events ADD PRIMARY KEY (id, occurred_at);
CREATE INDEX events_name_idx ON analytics_schema.events (name, occurred_at);
CREATE INDEX metrics_labels_idx ON analytics_schema.metrics USING gin (labels);
ALTER TABLE analytics_schema.funnels ADD FOREIGN KEY (parent_id) REFERENCES analytics_schema.funnels;
CREATE INDEX "Report Runs by Name" ON analytics_schema."Report Runs" (lower("Name") COLLATE "C", "At" DESC NULLS LAST);
