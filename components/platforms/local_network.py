"""A door: the state of a stack of before the layout names its provider here. No code imports it."""

from components.platforms.certificates import NetworkProvider

__all__ = ["NetworkProvider"]
