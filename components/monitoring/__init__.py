"""What watches a stack: exporters, alert rules, dashboards, a Prometheus; on by `monitoring` of its settings.

`settings.MonitoringSettings`: what the stack says. `files.write(control, passwords, settings)` lays out the
folder: what each exporter needs, rules, dashboards, targets; `files.start`: who keeps all that running
(`operations.monitoring.supervise`). `rules.every.all_alerts()`. docs/decisions/0130-exporters.md.
"""
