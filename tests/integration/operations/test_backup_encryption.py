"""An encrypted archive: nothing of it is in clear, the private key opens all of it, and nothing else does."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import ValidationError

from components.backup.entry import BackupEntry
from core.errors import KeyMissing, ProofFailed
from operations.backup.dumps import dump, dumps
from operations.restore.compressed import copy, is_sealed, read
from operations.restore.encrypted import PASSPHRASE
from tests.support.absence import absent
from tests.support.archives import Kept, kept_service
from tests.support.clusters import Clusters

pytestmark = pytest.mark.integration

SECRET = "the-iban-of-somebody-else"


@contextmanager
def made_keyring(passphrase: str) -> Iterator[Path]:
    """GnuPG's folder with a private key; its path is short, because the agent's socket has to be."""
    if shutil.which("gpg") is None or shutil.which("file") is None:
        absent("needs gpg and file")
    folder = Path(tempfile.mkdtemp(prefix="gpg", dir="/tmp"))
    home = ["gpg", "--batch", "--quiet", "--homedir", str(folder), "--pinentry-mode", "loopback"]
    home += ["--passphrase-file", str(folder / "passphrase")]
    (folder / "passphrase").write_text(passphrase)
    made = ["--quick-generate-key", "restore@waqiti.example", "default", "default", "never"]
    try:
        subprocess.run([*home, *made], check=True, capture_output=True)
        for name, which in (("public", "--export"), ("private", "--export-secret-keys")):
            done = subprocess.run([*home, "--armor", which], check=True, capture_output=True, text=True)
            (folder / f"{name}.asc").write_text(done.stdout)
        yield folder
    finally:
        subprocess.run(["gpgconf", "--homedir", str(folder), "--kill", "all"], check=False)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def keyring() -> Iterator[Path]:
    """Of whoever restores."""
    with made_keyring("") as folder:
        yield folder


@pytest.fixture(scope="module")
def kept(clusters: Clusters, keyring: Path) -> Iterator[Kept]:
    """A service of whose archive a full backup, WAL and a dump were made."""
    with kept_service(clusters, "ledger", {"encryption": str(keyring / "public.asc")}) as made:
        made.execute("CREATE TABLE entry (id int PRIMARY KEY, note text NOT NULL)")
        made.execute("INSERT INTO entry SELECT n, %s FROM generate_series(1, 1000) n", SECRET)
        made.wait_for_first_backup()
        made.operations("backup", "ledger")
        dump(made.archive)
        made.execute("INSERT INTO entry VALUES (1001, 'after the backup')")
        made.execute("SELECT pg_switch_wal()")
        made.operations("backup", "ledger")
        yield made


@pytest.fixture
def opened(keyring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As somebody who has the private key."""
    monkeypatch.setenv("GNUPGHOME", str(keyring))


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As somebody whose keyring is empty."""
    (tmp_path / "empty").mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(tmp_path / "empty"))


def test_no_row_is_in_the_archive_in_clear(kept: Kept) -> None:
    tars = list(kept.archive.base.rglob("*.tar*"))
    segments = [file for file in kept.archive.wals.rglob("*") if len(file.name) == 24]
    assert min(len(tars), len(segments), len(dumps(kept.archive))) > 0
    assert all(is_sealed(file) for file in [*tars, *segments, *kept.archive.dumps.glob("*.gpg")])
    kept_there = [file for file in kept.archive.folder.rglob("*") if file.is_file()]
    in_clear = [
        file for file in kept_there if "streaming" not in file.parts and SECRET.encode() in file.read_bytes()
    ]
    assert in_clear == []


def test_no_private_key_is_where_the_backups_are(kept: Kept) -> None:
    assert kept.archive.keyring is not None
    assert not list((kept.archive.keyring / "private-keys-v1.d").glob("*.key"))


@pytest.mark.usefixtures("opened")
def test_the_private_key_brings_every_row_back(kept: Kept) -> None:
    before = kept.execute("SELECT count(*), max(id) FROM entry")
    done = kept.json("restore", "ledger")
    try:
        words = [*shlex.split(done["psql"]), "--csv", "--tuples-only", "--command"]
        said = subprocess.run(
            [*words, "SELECT count(*), max(id) FROM entry"], check=True, capture_output=True, text=True
        ).stdout
        assert said.strip() == ",".join(map(str, before[0]))
    finally:
        kept.operations("restore", "ledger", "--give-up")


@pytest.mark.usefixtures("opened")
def test_a_proof_and_a_check_read_all_of_it_with_the_key(kept: Kept) -> None:
    kept.operations("proof", "ledger")
    checked = kept.json("backups", "check", "ledger", "--everything")["services"]["ledger"]
    assert checked["sound"]
    assert checked["segments_read"] > 0
    assert checked["segments_sealed"] == 0


@pytest.mark.usefixtures("closed")
def test_without_the_key_a_restore_is_one_line_and_leaves_nothing(kept: Kept) -> None:
    refused = kept.operations("restore", "ledger", check=False)
    assert refused.returncode == KeyMissing.exit_code
    assert "no keyring here has its private key; gpg --import it" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert kept.operations("proof", "ledger", check=False).returncode == KeyMissing.exit_code


@pytest.mark.usefixtures("closed")
def test_without_the_key_a_check_says_what_it_did_not_read(kept: Kept) -> None:
    checked = kept.json("backups", "check", "ledger", "--everything")["services"]["ledger"]
    assert checked["sound"]
    assert checked["segments_sealed"] > 0


@pytest.mark.usefixtures("opened")
def test_a_byte_that_was_changed_is_found(kept: Kept, tmp_path: Path) -> None:
    tar = next(kept.archive.base.rglob("*.tar*"))
    damaged = tmp_path / tar.name
    content = bytearray(tar.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(Exception, match="is damaged") as raised, (tmp_path / "out").open("wb") as out:
        copy(damaged, out)
    assert not isinstance(raised.value, KeyMissing | ProofFailed)


@pytest.mark.usefixtures("opened")
def test_a_dump_is_restorable_after_it_was_decrypted(kept: Kept, tmp_path: Path) -> None:
    out = tmp_path / "ledger.dump"
    subprocess.run(
        ["gpg", "--batch", "--quiet", "--output", str(out), "--decrypt", str(dumps(kept.archive)[-1])],
        check=True,
    )
    listed = subprocess.run(
        [kept.archive.binaries / "pg_restore", "--list", out], check=True, capture_output=True, text=True,
        env={**os.environ, "LC_ALL": "C"},
    ).stdout  # fmt: skip
    assert "TABLE DATA public entry" in listed


@pytest.mark.parametrize(
    ("name", "said"), [("nowhere.asc", "no key can be read there"), ("private.asc", "it holds a private key")]
)
def test_a_key_that_cannot_serve_is_refused(keyring: Path, name: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        BackupEntry.model_validate({"encryption": str(keyring / name)})


def test_a_passphrase_is_given_by_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with made_keyring("of a key") as folder:
        monkeypatch.setenv("GNUPGHOME", str(folder))
        (tmp_path / "clear").write_bytes(SECRET.encode())
        sealed = tmp_path / "sealed"
        words = [
            "gpg",
            "--batch",
            "--quiet",
            "--trust-model",
            "always",
            "--recipient",
            "restore@waqiti.example",
        ]
        subprocess.run([*words, "--output", str(sealed), "--encrypt", str(tmp_path / "clear")], check=True)
        subprocess.run(["gpgconf", "--homedir", str(folder), "--kill", "all"], check=True)
        for passphrase in (None, "another"):
            if passphrase is not None:
                monkeypatch.setenv(PASSPHRASE, passphrase)
            with pytest.raises(KeyMissing, match=PASSPHRASE):
                read(sealed)
        monkeypatch.setenv(PASSPHRASE, "of a key")
        assert read(sealed) == SECRET.encode()
