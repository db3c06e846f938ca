"""What `python -m operations` offers: its verbs, one module each, imported when they are called."""

from __future__ import annotations

from core.verbs import Verbs

VERBS: Verbs = {
    "backup": "operations.commands.backup:backup",
    "backups": "operations.commands.backups:app",
    "proof": "operations.commands.proof:proof",
    "restore": "operations.commands.restore:restore",
    "restore-point": "operations.commands.restore_point:app",
    "report": "operations.commands.report:report",
    "alarms": "operations.alarms.command:alarms",
    "sign-off": "operations.commands.sign_off:sign_off",
    "promote": "operations.commands.promote:promote",
    "rotate": "operations.commands.rotate:rotate",
    "rotation": "operations.commands.rotation:app",
    "drift": "operations.drift.command:drift",
    "watch": "operations.watch.command:watch",
    "size": "operations.size.command:size_verb",
    "audit": "operations.audit.command:audit",
    "load": "operations.commands.load:app",
    "preview": "operations.preview.command:preview",
}
