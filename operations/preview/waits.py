"""How long a service's clients wait, by platform; measured (docs/decisions/0097-what-a-change-means.md)."""

from __future__ import annotations

RESTART = {
    "local": "transactions in flight end with an error, new ones wait about 1 s",
    "docker": "its clients wait at the gateway, about 3 s",
}
REPLACED = "its clients wait at the gateway while the container is replaced, about 4 s"
GATEWAY = "its applications' connections are dropped and have to be made anew, within about 2 s"


def restart(platform: str) -> str:
    """What a restart of an instance is to its clients, once the service has moved."""
    return RESTART[platform]
