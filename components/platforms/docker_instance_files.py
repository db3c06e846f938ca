"""A door: the state of a stack of before the layout names its provider here. No code imports it."""

from components.platforms.docker.instance_files import FilesProvider

__all__ = ["FilesProvider"]
