"""Settings, platform, one ServiceDatabase for each service, outputs."""

import os
from pathlib import Path

import pulumi

from components import outputs, program

HERE = Path(__file__).parent

with program.one_clear_line():
    catalogue, settings = program.read(HERE / "services.yaml", os.environ)
    platform = program.platform(settings, catalogue)
    databases = {
        name: program.service_database(name, entry, settings, platform)
        for name, entry in settings.deployed(catalogue).items()
    }
    pulumi.export("contract", outputs.contract(settings, catalogue, databases))
    pulumi.export("endpoints", outputs.endpoints(databases))
    pulumi.export("spring", outputs.spring(databases, catalogue))
