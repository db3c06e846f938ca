"""A service's backups. Pure."""

from __future__ import annotations

from components.monitoring.rules.model import Alert

ALERTS = (
    Alert(
        "BackupOld",
        "waqiti_backup_age_seconds / waqiti_backup_every_seconds > {limit}",
        600,
        "critical",
        "{{ $labels.service }}: its newest backup is {{ $value | humanize }} times as old as it should be",
        limit="backupAge",
    ),
    Alert(
        "ReceiverDead",
        "waqiti_backup_receiver_up == 0",
        60,
        "critical",
        "{{ $labels.service }}: its WAL is not received; what is written now could not be restored",
    ),
    Alert(
        "BackupsUnattended",
        "waqiti_backup_supervisor_up == 0",
        60,
        "critical",
        "{{ $labels.service }}: nobody fills its archive",
    ),
    Alert(
        "ArchiveBroken",
        "waqiti_backup_task_failures > 0",
        60,
        "critical",
        "{{ $labels.service }}: {{ $labels.task }} of its archive failed {{ $value }} times in a row",
    ),
    Alert(
        "ProofOld",
        "waqiti_backup_proof_age_seconds / waqiti_backup_proof_every_seconds > {limit}",
        3600,
        "warning",
        "{{ $labels.service }}: no backup was proven for {{ $value | humanize }} times as long as agreed",
        limit="proofAge",
    ),
    Alert(
        "ProofFailed",
        "waqiti_backup_proof_sound == 0",
        0,
        "critical",
        "{{ $labels.service }}: its last proven backup would not bring it back",
    ),
)
