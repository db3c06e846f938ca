"""A service's gateway, its certificate, and what watches. Pure."""

from __future__ import annotations

from components.monitoring.rules.model import Alert

ALERTS = (
    Alert(
        "GatewayDown",
        "waqiti_gateway_up == 0",
        30,
        "critical",
        "{{ $labels.service }}: its gateway does not answer, so that no application reaches a database",
    ),
    Alert(
        "GatewayPaused",
        "waqiti_gateway_paused == 1",
        60,
        "critical",
        "{{ $labels.service }}: its gateway is paused, so that its clients wait",
    ),
    Alert(
        "GatewayWaits",
        "waqiti_gateway_longest_wait_seconds > {limit}",
        60,
        "warning",
        "{{ $labels.service }}: clients wait {{ $value | humanizeDuration }} for a connection",
        limit="gatewayWaitSeconds",
    ),
    Alert(
        "GatewayClientsOut",
        "waqiti_gateway_clients / waqiti_gateway_max_clients > {limit}",
        60,
        "critical",
        "{{ $labels.service }}: {{ $value | humanizePercentage }} of the clients that may be there are",
        limit="gatewayClients",
    ),
    Alert(
        "CertificateShort",
        "waqiti_certificate_days_left < {limit}",
        0,
        "critical",
        "{{ $labels.service }}: its certificate is good for {{ $value | humanize }} days more",
        limit="certificateDays",
    ),
    Alert(
        "RotationOverdue",
        "waqiti_rotation_age_seconds / 86400 > {limit}",
        3600,
        "warning",
        "{{ $labels.service }}: its logins were last changed {{ $value | humanize }} days ago",
        limit="rotationDays",
    ),
    Alert(
        "NotWatched",
        "up == 0",
        120,
        "warning",
        "{{ $labels.service }}: the exporter {{ $labels.instance }} does not answer; its alarms are blind",
    ),
)
