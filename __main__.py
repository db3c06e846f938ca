"""Settings, platform, one ServiceDatabase for each service, outputs."""

import os
from pathlib import Path

import pulumi

from components import outputs, program

HERE = Path(__file__).parent

with program.one_clear_line():
    catalogue, settings = program.read(program.catalogue_file(HERE), os.environ)
    platform = program.platform(settings, catalogue)
    reads = program.reads(settings, catalogue)
    databases = {
        name: program.service_database(name, catalogue, settings, platform, reads)
        for name in settings.deployed(catalogue)
    }
    for reader, service in reads:
        databases[reader].let_read(databases[service])
    monitoring = program.monitoring(settings, catalogue, platform, databases)
    contract = outputs.contract(settings, catalogue, databases, monitoring)
    if any(database.backups is not None for database in databases.values()):
        # Not with the commit: a resource that changed with each would be one in every preview.
        lasting = {key: one for key, one in contract.items() if key != "commit"}
        platform.restore_points(catalogue.restore_points, lasting)
    pulumi.export("contract", contract)
    pulumi.export("deployed", outputs.deployed(catalogue))
    if settings.promoted_from is not None:
        pulumi.export("promotedFrom", outputs.promoted_from(settings.promoted_from))
    pulumi.export("endpoints", outputs.endpoints(databases))
    pulumi.export("spring", outputs.spring(databases, catalogue))
    if monitoring is not None:
        pulumi.export("monitoring", outputs.monitoring(monitoring))
