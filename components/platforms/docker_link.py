"""A door: the state of a stack of before the layout names its provider here. No code imports it."""

from components.platforms.docker.link import LinkProvider

__all__ = ["LinkProvider"]
