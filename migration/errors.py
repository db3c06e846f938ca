"""Every way a migration can refuse or fail, with its exit code; the message is what the user reads.

One class per thing that a person would do differently. A message says what was seen, where, and
what to do next, on one line, without a secret. Exit codes are part of the interface: never reuse one.
"""

from __future__ import annotations


class MigrationError(Exception):
    """Something the operator must see. `exit_code` is the process's; `str()` is the one line."""

    exit_code = 1


class StackNotUp(MigrationError):
    """The stack exports no contract: it is not deployed, or of another version."""

    exit_code = 10


class UnknownService(MigrationError):
    """A service that is not in the catalogue."""

    exit_code = 11


class SourceUnreachable(MigrationError):
    """The shared database does not answer."""

    exit_code = 12


class AuthenticationFailed(MigrationError):
    """A server refused the password or the role."""

    exit_code = 13


class TargetUnreachable(MigrationError):
    """A service's own instance does not answer."""

    exit_code = 14


class SchemaMissing(MigrationError):
    """The shared database has no such schema."""

    exit_code = 15


class SchemaOnTarget(MigrationError):
    """The schema is already on the target, and this program did not put it there."""

    exit_code = 16


class TargetNotEmpty(MigrationError):
    """The target's database holds tables that this program did not put there."""

    exit_code = 17


class VersionUnsupported(MigrationError):
    """A server is older than supported, or the target older than the source."""

    exit_code = 18


class SourceSettings(MigrationError):
    """A setting of the shared database makes the move impossible (`wal_level`, slots, workers)."""

    exit_code = 19


class BoundaryUndecided(MigrationError):
    """Something crosses to another service and services.yaml does not say what to do."""

    exit_code = 20


class VerificationFailed(MigrationError):
    """Source and target differ; the message counts, the report names the rows."""

    exit_code = 21


class DiskFull(MigrationError):
    """A server ran out of disk; nothing was switched."""

    exit_code = 22


class AnotherOperator(MigrationError):
    """Another run holds the lock."""

    exit_code = 23


class GatewayFailed(MigrationError):
    """A gateway does not answer its console, or did not do what it was told in time."""

    exit_code = 24


class CopyFailed(MigrationError):
    """A server refused a statement of the copy or of the schema's restore."""

    exit_code = 25


class StepTimeout(MigrationError):
    """A step took longer than it may; what had been done was undone."""

    exit_code = 26


class GateClosed(MigrationError):
    """A named check says no-go."""

    exit_code = 27


class SchemaChanged(MigrationError):
    """DDL on the source while its service was moving."""

    exit_code = 28


class WrongState(MigrationError):
    """The command does not fit the state that the move is in."""

    exit_code = 29


class ToolMissing(MigrationError):
    """A program this one needs is not installed, or too old."""

    exit_code = 30


class ConnectionLost(MigrationError):
    """A server or the network went away in the middle; running the command again goes on."""

    exit_code = 31


class OrphansFound(MigrationError):
    """Rows refer to rows of another service that are not there."""

    exit_code = 32


class LogUnreadable(MigrationError):
    """A server's log that was named cannot be read."""

    exit_code = 33


class RenameRefused(MigrationError):
    """A service's schema cannot be renamed yet: something would go on looking for its old name."""

    exit_code = 34


class ReplicaBehind(MigrationError):
    """A replica that a service reads does not follow, or its slot keeps more WAL than it may."""

    exit_code = 35


class Interrupted(MigrationError):
    """The operator pressed Ctrl-C (or sent SIGTERM)."""

    exit_code = 130
