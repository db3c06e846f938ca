"""A door: the state of a stack of before the layout names its provider here. No code imports it."""

from components.platforms.local.instance import InstanceProvider

__all__ = ["InstanceProvider"]
