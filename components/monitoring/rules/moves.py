"""A service's move. Pure."""

from __future__ import annotations

from components.monitoring.rules.model import Alert

ALERTS = (
    Alert(
        "SwitchStuck",
        'waqiti_move_step_seconds{switching="yes"} > {limit}',
        0,
        "critical",
        "{{ $labels.service }}: its switch stands at {{ $labels.step }} for {{ $value | humanizeDuration }};"
        " both sides may be closed",
        limit="switchSeconds",
    ),
    Alert(
        "SidesDiffer",
        "waqiti_move_verified_equal == 0",
        0,
        "critical",
        "{{ $labels.service }}: the last verification found rows that differ",
    ),
    Alert(
        "VerificationOld",
        'waqiti_move_verified_age_seconds{state="following"} > {limit}',
        600,
        "warning",
        "{{ $labels.service }}: it follows, and was last compared {{ $value | humanizeDuration }} ago",
        limit="verificationSeconds",
    ),
    Alert(
        "OrphansFound",
        "waqiti_orphans > 0",
        0,
        "warning",
        "{{ $labels.service }}: {{ $value }} of its rows refer to what another service does not have",
    ),
)
