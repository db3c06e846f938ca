"""What the rules compare with; a stack's `monitoring.limits` names others."""

from __future__ import annotations

from collections.abc import Mapping

from components.monitoring.settings import MonitoringSettings
from components.problems import ConfigurationError, Problem

LIMITS: Mapping[str, float] = {
    # Of max_connections: what a pool of the service's cannot take any more is not there for a person either.
    "connections": 0.9,
    "slotWalBytes": 2 * 1024**3,
    "transactionSeconds": 1800,
    "cacheHits": 0.9,
    "rollbacks": 0.05,
    # Transactions until autovacuum_freeze_max_age is passed five times over; the server stops at 2.1e9.
    "transactionIds": 1.0e9,
    "requestedCheckpoints": 0.5,
    "diskFree": 0.1,
    "replicaSilentSeconds": 120,
    "gatewayWaitSeconds": 5,
    "gatewayClients": 0.9,
    # Times the interval that services.yaml asks for.
    "backupAge": 1.5,
    "proofAge": 1.5,
    "certificateDays": 21,
    "switchSeconds": 60,
    "verificationSeconds": 86_400,
    # Of what the team's query said over the last hour.
    "business": 0.8,
    "rotationDays": 90,
}


def limits(settings: MonitoringSettings) -> dict[str, float]:
    """The limits in force. Raises ConfigurationError for a name that no rule has."""
    unknown = sorted(settings.limits.keys() - LIMITS.keys())
    if unknown:
        raise ConfigurationError(
            [
                Problem(
                    f"monitoring.limits.{name}", "no rule has this limit", f"known are {', '.join(LIMITS)}"
                )
                for name in unknown
            ]
        )
    return {**LIMITS, **settings.limits}
