"""Where things are and go. The cache folder is the one that servers.paths and script/env name."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def cache_dir() -> Path:
    """$WAQITI_CACHE_DIR, else /var/cache/waqiti as root, else ${XDG_CACHE_HOME:-~/.cache}/waqiti."""
    if named := os.environ.get("WAQITI_CACHE_DIR"):
        return Path(named).absolute()
    if os.geteuid() == 0:
        return Path("/var/cache/waqiti")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "waqiti"


@dataclass(frozen=True)
class Places:
    """The folders of one checkout (`root`) and one user (`cache`)."""

    root: Path
    cache: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The Python of the environment."""
        return self.venv / "bin" / "python"

    @property
    def toolchain(self) -> Path:
        return self.root / "toolchain"

    @property
    def lock(self) -> Path:
        """Every Python package, with hashes."""
        return self.root / "requirements.lock"

    @property
    def wheels_lock(self) -> Path:
        """What is unpacked from the Python package index without being installed, with hashes."""
        return self.toolchain / "wheels.lock"

    @property
    def pulumi_bin(self) -> Path:
        return self.cache / "pulumi" / "bin"

    @property
    def pulumi_home(self) -> Path:
        return Path(os.environ.get("PULUMI_HOME") or self.cache / "pulumi" / "home")

    @property
    def pgbouncer(self) -> Path:
        return self.cache / "pgbouncer"

    @property
    def pgbouncer_archive(self) -> Path:
        """Debian's own package, older than 1.22, for tests."""
        return self.cache / "pgbouncer-archive"

    def postgresql(self, major: int) -> Path:
        return self.cache / f"postgresql-{major}"

    def environment(self) -> dict[str, str]:
        """The process environment in which Pulumi runs; what script/env sets."""
        path = os.pathsep.join([str(self.venv / "bin"), str(self.pulumi_bin), os.environ.get("PATH", "")])
        return {
            **os.environ,
            "PATH": path,
            "PULUMI_HOME": str(self.pulumi_home),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
        }


def unreadable_parents(folder: Path) -> list[Path]:
    """The folders on the way to `folder` that other users may not pass."""
    return [p for p in [folder, *folder.parents] if p.exists() and not p.stat().st_mode & 0o001]


def on_macos() -> bool:
    return sys.platform == "darwin"
