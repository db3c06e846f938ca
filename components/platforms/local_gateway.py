"""A door: the state of a stack of before the layout names its provider here. No code imports it."""

from components.platforms.local.gateway import GatewayProvider

__all__ = ["GatewayProvider"]
