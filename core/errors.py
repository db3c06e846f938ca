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
    """DDL on the source while its service was moving, or a schema that did not arrive as it was."""

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


class FilesRefused(MigrationError):
    """`--physical always`, and a service's tables cannot come as files: the line says why."""

    exit_code = 36


class FilesFailed(MigrationError):
    """Tables could not be brought as files; the service is where it was."""

    exit_code = 37


class TargetLacks(MigrationError):
    """A service's own database lacks what its schema needs: an extension, the locale, part of a build."""

    exit_code = 40


class RightsUndecided(MigrationError):
    """The service's role would see or may do something else than the services' common one does today."""

    exit_code = 41


class FilesExist(MigrationError):
    """`init` would have to overwrite what is there."""

    exit_code = 43


class NothingToDraft(MigrationError):
    """`init` found no such database, or no schema in it that a service could have."""

    exit_code = 44


class TogetherRefused(MigrationError):
    """These services cannot be switched together: the line says why, and what can be done."""

    exit_code = 45


class BackupsOff(MigrationError):
    """The stack keeps no backups of the service."""

    exit_code = 50


class BackupFailed(MigrationError):
    """A backup or a dump was not taken."""

    exit_code = 51


class BackupsUnsound(MigrationError):
    """What is in the archive, or what fills it, would not bring the service back."""

    exit_code = 52


class NoSuchBackup(MigrationError):
    """No backup, point or WAL leads to what was asked for."""

    exit_code = 53


class RestoreFailed(MigrationError):
    """A restore did not reach its target, or what it brought back is not as it should be."""

    exit_code = 54


class KeyMissing(RestoreFailed):
    """An archive is encrypted, and its private key is not at hand, or not without a passphrase."""

    exit_code = 57


class ArchiveAway(MigrationError):
    """The container that fills a service's archive does not run, so nothing can be asked of it."""

    exit_code = 58


class RestoreInTheWay(MigrationError):
    """A restored instance stands beside the service's own already, or there is none to go on with."""

    exit_code = 55


class ProofFailed(MigrationError):
    """A backup was restored and found wrong."""

    exit_code = 56


class PointRefused(MigrationError):
    """A restore point's name is taken, or none, or there is no such point."""

    exit_code = 60


class CutBroken(MigrationError):
    """A restore point is no instant of all databases, or what was restored to it is not what was there."""

    exit_code = 61


class Interrupted(MigrationError):
    """The operator pressed Ctrl-C (or sent SIGTERM)."""

    exit_code = 130


class PulumiFailed(MigrationError):
    """Pulumi could not be run, or did not say what was asked: no stack, no backend, no passphrase."""

    exit_code = 80


class ChangeRefused(MigrationError):
    """What a change would do is a no-go: it is refused, or data is at risk that nobody gave up."""

    exit_code = 81


class DriftFound(MigrationError):
    """Something of the stack is not as it was declared."""

    exit_code = 82


class LoginsInUse(MigrationError):
    """Somebody is logged in with a login that a rotation was to end."""

    exit_code = 85


class EvidenceBroken(MigrationError):
    """The evidence of a stack was altered, or cannot be read or written."""

    exit_code = 86


class NotProven(MigrationError):
    """A promotion lacks proof: the line names each thing that is missing."""

    exit_code = 87


class EvidenceContradicted(MigrationError):
    """A database, or the journal in it, is not what the evidence says: the line names service and table."""

    exit_code = 88


class AlarmSilent(MigrationError):
    """An alarm that was brought about did not fire."""

    exit_code = 89


class NotMeasured(MigrationError):
    """Nothing that was measured says what was asked."""

    exit_code = 90


class LedBack(MigrationError):
    """After its switch a service did worse than before and was led back; no write is lost."""

    exit_code = 91


class OutOfBand(MigrationError):
    """After its switch a service does worse than before, and it is not led back by itself."""

    exit_code = 92


class LoadRefused(MigrationError):
    """A load that would do what it must not, or that nothing could be learnt from."""

    exit_code = 93


class GitHubFailed(MigrationError):
    """GitHub's API does not answer, or refused."""

    exit_code = 84
