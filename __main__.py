"""Settings, platform, one ServiceDatabase for each service, outputs."""

import os
from pathlib import Path

import pulumi

from components import outputs, program

HERE = Path(__file__).parent

with program.one_clear_line():
    catalogue, settings = program.read(HERE / "services.yaml", os.environ)
    platform = program.platform(settings, catalogue)
    reads = program.reads(settings, catalogue)
    databases = {
        name: program.service_database(name, entry, settings, platform, reads)
        for name, entry in settings.deployed(catalogue).items()
    }
    for reader, service in reads:
        databases[reader].let_read(databases[service])
    pulumi.export("contract", outputs.contract(settings, catalogue, databases))
    pulumi.export("endpoints", outputs.endpoints(databases))
    pulumi.export("spring", outputs.spring(databases, catalogue))
