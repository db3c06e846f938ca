"""services.yaml: the services, as a catalogue that was read and checked.

`read.read_catalogue(path) -> Catalogue`: the services by name (`ServiceEntry`), and a digest of the file.
Raises ConfigurationError with every problem at once. `rules.check`: what entries may not be, and may not
share. Pure but for reading the file.
"""
