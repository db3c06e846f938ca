"""Encrypted files of an archive, read with the private key that whoever restores has in the own keyring."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import cast

from core.errors import KeyMissing, RestoreFailed

PASSPHRASE = "WAQITI_BACKUP_PASSPHRASE"  # noqa: S105 (a variable's name)
"""The private key's, for who has no agent to ask a person."""
_SESSION_KEYS = frozenset({0x84, 0x85, 0x86, 0xC1})
"""How an encrypted message begins: its session key, for a public one. RFC 9580, 4.2 and 5.1."""


def is_encrypted(begin: bytes) -> bool:
    """Whether a file that begins so is encrypted to a key."""
    return begin[:1] != b"" and begin[0] in _SESSION_KEYS


@contextmanager
def decrypted(file: Path) -> Iterator[BufferedReader]:
    """What is in an encrypted file, as a stream. Raises KeyMissing; RestoreFailed where it is damaged."""
    program = shutil.which("gpg")
    if program is None:
        raise KeyMissing(
            f"{file} is encrypted, and this machine has no gpg; install it (Debian: apt-get install gnupg)"
        )
    words = [program, "--batch", "--no-tty", "--status-fd", "2"]
    passphrase = os.environ.get(PASSPHRASE)
    asked, told = os.pipe()
    try:
        if passphrase is not None:
            words += ["--pinentry-mode", "loopback", "--passphrase-fd", str(asked)]
        process = subprocess.Popen(
            [*words, "--decrypt", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(asked,),
            env={**{k: v for k, v in os.environ.items() if k != PASSPHRASE}, "LC_ALL": "C"},
        )
        os.write(told, (passphrase or "").encode() + b"\n")
    finally:
        os.close(asked)
        os.close(told)
    assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 (pipes were asked for)
    said: list[bytes] = []
    listener = threading.Thread(target=lambda: said.append(process.stderr.read()), daemon=True)  # type: ignore[union-attr]
    listener.start()
    try:
        yield cast(BufferedReader, process.stdout)
        process.stdout.read()
    except BaseException:
        process.kill()
        _end(process, listener)
        # What the reader stumbled over may only be the end of what could be decrypted.
        if said and said[0]:
            _require(file, 2, said[0])
        raise
    _require(file, _end(process, listener), b"".join(said))


def _end(process: subprocess.Popen[bytes], listener: threading.Thread) -> int:
    status = process.wait()
    listener.join()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    return status


def _require(file: Path, status: int, said: bytes) -> None:
    if status == 0:
        return
    # https://github.com/gpg/gnupg/blob/master/doc/DETAILS: these words depend on no language.
    lines = said.decode(errors="replace").splitlines()
    told = {line.removeprefix("[GNUPG:] ") for line in lines if line.startswith("[GNUPG:] ")}
    if any(one.startswith("ERROR pkdecrypt_failed") for one in told):
        raise KeyMissing(
            f"{file} is encrypted, and its private key asks for a passphrase; give it in {PASSPHRASE}"
        )
    if any(one.startswith("NO_SECKEY") for one in told):
        raise KeyMissing(
            f"{file} is encrypted, and no keyring here has its private key; gpg --import it, or set GNUPGHOME"
            " to the folder of one that has"
        )
    words = [line.removeprefix("gpg: ") for line in lines if line.startswith("gpg: ")]
    raise RestoreFailed(f"{file} is damaged: {words[-1] if words else 'gpg could not decrypt it'}")
