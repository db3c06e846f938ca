"""What watches a stack: `supervise` keeps exporters and Prometheus going, `exporter` has our own figures.

`python -m operations.monitoring.supervise FOLDER` starts what `components.monitoring.files` wrote there;
`figures.of(control)` yields what our exporter says of gateways, backups, moves, certificates and disks;
`watch` shows all services on one screen, `size` says what the catalogue should give them.
"""
