"""GnuPG's folder of an archive: the public key to which all of it is encrypted, and never a private one."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from servers import osuser, paths
from servers.errors import ServerError
from servers.osuser import OsUser

FOLDER = "gnupg"
"""In the archive's folder."""
_KEY = "key.asc"
_OPTIONS = ("--batch", "--no-tty", "--no-autostart")


def lay_out(folder: Path, public_key: str | None, owner: OsUser | None = None) -> str | None:
    """Make the folder with that key alone; returns its fingerprint. Without a key: no folder, and None.

    `owner`: a container's user, whose it is to be; None: the servers' user here. Raises ServerError: no gpg
    on this machine, no key that could be encrypted to.
    """
    if public_key is None:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    if owner is not None:
        return _for_container(folder, public_key, owner)
    known = folder / _KEY
    if known.exists() and known.read_text(encoding="utf-8") == public_key:
        return _fingerprint(folder)
    new = folder.with_name(f"{FOLDER}.new")
    shutil.rmtree(new, ignore_errors=True)
    paths.make_private(new)
    # The key was chosen in services.yaml: there is nobody here whose trust could be asked.
    osuser.write_private(new / "gpg.conf", "trust-model always\n")
    osuser.run([_gpg(), *_OPTIONS, "--homedir", new, "--import"], input=public_key, check=False)
    fingerprint = _fingerprint(new)
    if fingerprint is None:
        shutil.rmtree(new, ignore_errors=True)
        raise ServerError(
            "the file has to hold one public key, to which can be encrypted and which has not expired",
            where="backup.encryption",
            to_do="write that one alone: gpg --armor --export FINGERPRINT > FILE",
        )
    osuser.write_private(new / _KEY, public_key)
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)
    return fingerprint


def _for_container(folder: Path, public_key: str, owner: OsUser) -> str | None:
    """Made beside by the servers' user here, who may not see what is a container's."""
    known = folder / _KEY
    with tempfile.TemporaryDirectory(prefix="waqiti-keyring-") as beside:
        Path(beside).chmod(0o755)
        made = Path(beside) / FOLDER
        fingerprint = lay_out(made, public_key)
        if known.exists() and known.read_text(encoding="utf-8") == public_key:
            return fingerprint
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(
            made, folder, ignore=lambda _at, names: [one for one in names if one.startswith("S.")]
        )
    for one in (folder, *folder.rglob("*")):
        os.chown(one, owner.uid, owner.gid, follow_symlinks=False)
    return fingerprint


def _fingerprint(folder: Path) -> str | None:
    """Of the one key that is there and can be encrypted to.

    https://github.com/gpg/gnupg/blob/master/doc/DETAILS: field 12 says what a whole key may, in capitals.
    """
    said = osuser.run(
        [_gpg(), *_OPTIONS, "--homedir", folder, "--with-colons", "--list-keys"], check=False
    ).stdout
    lines = [line.split(":") for line in said.splitlines() if line.startswith(("pub:", "fpr:"))]
    first = [i for i, words in enumerate(lines) if words[0] == "pub"]
    if len(first) != 1 or "E" not in lines[first[0]][11]:
        return None
    return lines[first[0] + 1][9]


def _gpg() -> str:
    """Its path; Barman also needs `file`, by which it knows what is encrypted. Raises ServerError."""
    program = shutil.which("gpg")
    if program is None or shutil.which("file") is None:
        raise ServerError(
            "backups are to be encrypted, and this machine has no gpg or no file",
            where="backup.encryption",
            to_do="install GnuPG and file (Debian: apt-get install gnupg file), or take `encryption` out",
        )
    return program
