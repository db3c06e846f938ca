"""The base backup of an archive as a data folder: unpacked, compared with its manifest, combined, synced."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from core.errors import RestoreFailed
from operations.backup.archive import Archive
from operations.backup.catalogue import Backup
from operations.restore.compressed import copy
from servers import osuser, paths

MANIFEST = "backup_manifest"

Step = Callable[[str], None]


def unpack(archive: Archive, chain: Sequence[Backup], data: Path, begun: Step, *, verify: bool) -> None:
    """Make the data folder `data` out of a full backup and the incremental ones on it.

    `verify`: every file against the checksum in its backup's manifest. Raises RestoreFailed, which names
    what is damaged.
    """
    parts = [data] if len(chain) == 1 else [data.parent / f"part{i}" for i in range(len(chain))]
    try:
        for backup, part in zip(chain, parts, strict=True):
            begun(f"unpacking {backup.id}")
            _unpack_one(backup, part)
            if verify:
                begun(f"verifying {backup.id}")
                _verify(archive, backup, part)
        if len(chain) > 1:
            begun(f"combining {len(chain)} backups")
            _run(archive, "pg_combinebackup", "--output", data, *parts, what=chain[-1].id)
        else:
            begun("syncing")
            _run(archive, "initdb", "--sync-only", "--pgdata", data, what=chain[-1].id)
    finally:
        for part in parts:
            if part != data:
                shutil.rmtree(part, ignore_errors=True)


def _unpack_one(backup: Backup, to: Path) -> None:
    source = backup.folder / "data"
    tars = [file for file in sorted(source.glob("*.tar*")) if not file.name.startswith("pg_wal.")]
    strange = [file.name for file in tars if not file.name.startswith("base.tar")]
    if not tars or strange:
        raise RestoreFailed(
            f"{source} holds {', '.join(strange) or 'no base.tar'}: a backup without tablespaces was expected"
        )
    paths.make_private(to)
    process = subprocess.Popen(
        osuser.as_servers_user([
            shutil.which("tar") or "/bin/tar", "--extract", "--directory", to, "--file", "-",
        ]),
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env=osuser.clean_environment(), cwd="/",
    )  # fmt: skip
    assert process.stdin is not None and process.stderr is not None  # noqa: S101, PT018 (pipes were asked for)
    damaged: RestoreFailed | None = None
    try:
        copy(tars[0], process.stdin)
    except BrokenPipeError:
        pass  # tar says why
    except RestoreFailed as error:
        damaged = error
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()
    said = process.stderr.read().decode(errors="replace").strip().splitlines()
    process.stderr.close()
    if process.wait() != 0 and damaged is None:
        raise RestoreFailed(_what_tar_says(tars[0], to, said))
    if damaged is not None:
        raise damaged
    if (source / MANIFEST).exists():
        shutil.copyfile(source / MANIFEST, to / MANIFEST)
        osuser.hand_over(to / MANIFEST)


def _what_tar_says(file: Path, to: Path, said: Sequence[str]) -> str:
    """Of a file that was read up to where tar gave up: it is damaged, unless there was no room."""
    room = [line for line in said if any(word in line for word in ("No space left", "Cannot", "Wrote only"))]
    if room:
        return f"{file} could not be unpacked into {to}: {room[0]}"
    return f"{file} is damaged: {said[0] if said else 'tar failed'}"


def _verify(archive: Archive, backup: Backup, data: Path) -> None:
    if not (data / MANIFEST).exists():
        raise RestoreFailed(f"{backup.folder}/data has no {MANIFEST}, against which it could be verified")
    _run(archive, "pg_verifybackup", "--no-parse-wal", "--quiet", data, what=backup.id)


def _run(archive: Archive, program: str, *arguments: str | Path, what: str) -> None:
    done = osuser.run([archive.binaries / program, *arguments], check=False)
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        said = "; ".join(line.removeprefix(f"{program}: ").removeprefix("error: ") for line in lines[:3])
        raise RestoreFailed(f"backup {what} of {archive.service} is damaged, says {program}: {said}")
