"""What the contract says of a gateway on Kubernetes: how `migration` steers it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi

from components.contract import Endpoint
from components.platforms.interface import GatewayArgs
from components.platforms.kubernetes import manifests, policies
from components.platforms.local.gateway import ADMINISTRATOR


def gateway(args: GatewayArgs, endpoint: Endpoint, access: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The contract's `gateway_control`. `access`: to its namespace; `folder`: its files on this machine."""
    return {
        "platform": "kubernetes",
        "sockets": "",
        "port": args.port,
        "administrator": {
            "name": ADMINISTRATOR,
            "password": pulumi.Output.secret(args.administrator_password),
        },
        "routes": str(folder / "routes.ini"),
        "service_userlist": "",
        "pods": {
            **access,
            "labels": ",".join(f"{key}={one}" for key, one in policies.APP.items()),
            "secret": manifests.ROUTE_SECRET,
            "folder": manifests.GATEWAY_FOLDER,
            "host": endpoint.host,
            "authority": endpoint.sslrootcert,
        },
    }
