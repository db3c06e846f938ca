"""The operating system's user that servers run as: they refuse root, so root lends them another."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from servers.errors import ServerError

CANNOT_EXECUTE = 126
"""Exit code when a program may not or cannot be executed as the servers' user, as shells say it."""

_BECOME = f"""
import os, sys
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[1]))
try:
    os.execvp(sys.argv[3], sys.argv[3:])
except OSError as error:
    sys.stderr.write(f"{{sys.argv[3]}}: {{error.strerror}}"); sys.exit({CANNOT_EXECUTE})
"""


@dataclass(frozen=True)
class OsUser:
    """A user of the operating system."""

    name: str
    uid: int
    gid: int


def service_user() -> OsUser | None:
    """Whom servers run as: None (ourselves) unless we are root.

    As root: `$WAQITI_OS_USER`, else `postgres` if there is one, else `nobody`. Raises ServerError when
    the named user does not exist.
    """
    if os.geteuid() != 0:
        return None
    named = os.environ.get("WAQITI_OS_USER")
    for name in (named,) if named else ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid == 0:
            raise ServerError(
                "servers refuse to run as root", where=f"WAQITI_OS_USER={name}", to_do="name another user"
            )
        return OsUser(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise ServerError(
        f"no user {named or 'postgres or nobody'} on this machine",
        where="WAQITI_OS_USER",
        to_do="make that user or name another one",
    )


def administrators() -> tuple[str, ...]:
    """OS users that may be a server's administrator over its unix socket: we and the servers' user."""
    user = service_user()
    own = pwd.getpwuid(os.geteuid()).pw_name
    return (own,) if user is None else (own, user.name)


def hand_over(*paths: Path) -> None:
    """Gives files or folders to the user that servers run as; nothing to do unless we are root."""
    user = service_user()
    if user is not None:
        for path in paths:
            os.chown(path, user.uid, user.gid, follow_symlinks=False)


def write_private(path: Path, text: str, *, ours: bool = False, owner: OsUser | None = None) -> None:
    """Writes `path` atomically (temporary, rename), mode 0600, for the servers' user; `ours`: for us;
    `owner`: for a container's user."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if owner is not None:
            os.chown(temporary, owner.uid, owner.gid)
        elif not ours:
            hand_over(temporary)
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    input: str | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a program as the servers' user and returns its output, both streams as text.

    `env` is added to ours, with PG* variables of the caller removed and messages in English. Never a
    password in `argv`: every user of the machine sees it. Raises subprocess.CalledProcessError when
    `check` and the exit code is not 0, subprocess.TimeoutExpired after `timeout` seconds.
    """
    return subprocess.run(
        [*_becoming(service_user()), *(str(part) for part in argv)],
        env=clean_environment(env),
        check=check,
        input=input,
        stdin=subprocess.DEVNULL if input is None else None,
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd="/",
    )


def as_servers_user(argv: Sequence[str | Path]) -> list[str]:
    """A command line that runs `argv` as the servers' user, for who starts a process and does not wait."""
    return [*_becoming(service_user()), *(str(part) for part in argv)]


def _becoming(user: OsUser | None) -> list[str]:
    """The start of a command line that changes to `user` and then becomes the rest of it.

    Not subprocess's own `user=`: with it Python forks instead of vforking, which in a process that speaks
    gRPC (Pulumi's host of dynamic providers) crashes the child in gRPC's fork handlers.
    """
    if user is None:
        return []
    return [sys.executable, "-I", "-S", "-c", _BECOME, str(user.uid), str(user.gid)]


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our environment without what would steer libpq or a server, with English messages, plus `extra`.

    As root, HOME becomes the servers' user's: libpq in a subscription looks for certificates there, and
    fails when it may not look.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_", "XDG_"))}
    user = service_user()
    if user is not None:
        kept |= {"HOME": pwd.getpwuid(user.uid).pw_dir, "USER": user.name, "LOGNAME": user.name}
    return {**kept, "LC_ALL": "C", **(extra or {})}
