"""GnuPG's folder of an archive: the public key to which all of it is encrypted, and never a private one."""

from __future__ import annotations

import shutil
from pathlib import Path

from servers import osuser, paths
from servers.errors import ServerError

FOLDER = "gnupg"
"""In the archive's folder."""
_KEY = "key.asc"
_OPTIONS = ("--batch", "--no-tty", "--no-autostart")


def lay_out(folder: Path, public_key: str | None) -> str | None:
    """Make the folder with that key alone; returns its fingerprint. Without a key: no folder, and None.

    Raises ServerError: no gpg on this machine, no key that could be encrypted to.
    """
    if public_key is None:
        shutil.rmtree(folder, ignore_errors=True)
        return None
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
