"""Dashboards as code: `build.dashboards(services) -> {file: JSON}`, one for all services and one for each.

`panels` has what is shown, as data; `build` makes Grafana's JSON of it with grafana-foundation-sdk.
"""
