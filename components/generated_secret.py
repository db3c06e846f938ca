"""A door: the state of a stack of before the layout names its provider here. No code imports it."""

from components.service.generated_secret import _Provider

__all__ = ["_Provider"]
