"""script/bootstrap: the Python environment, Pulumi and its plugins, PostgreSQL, PgBouncer."""

import argparse
import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from . import actionlint, golang, monitoring, pgbouncer, plugins, pulumi, python_environment, stamp, wheels
from .console import Console, duration
from .errors import BootstrapError
from .places import ROOT, Places, cache_dir, unreadable_parents


def main(arguments: list[str] | None = None) -> int:
    """Run the bootstrap; 0 when all is there, 1 with one line of what is wrong, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="script/bootstrap", description=__doc__)
    parser.add_argument(
        "--for-tests",
        action="store_true",
        help="also the PostgreSQL 18, the older PgBouncer, the actionlint and what monitors, for tests",
    )
    parser.add_argument(
        "--monitoring",
        action="store_true",
        help="also Prometheus and the exporter, for a stack whose settings have `monitoring`",
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing when there is nothing to do")
    options = parser.parse_args(arguments)
    places = Places(ROOT, cache_dir())
    console = Console()
    began = time.monotonic()
    majors = sorted(wheels.POSTGRESQL) if options.for_tests else [17]
    try:
        monitored = options.monitoring or options.for_tests
        if stamp.is_done(places, majors, options.for_tests, monitored):
            if not options.quiet:
                console.note(f"bootstrap: all there ({duration(time.monotonic() - began)})")
            return 0
        _make_cache(places, console)
        with _alone(places, console):
            install(places, majors, console, for_tests=options.for_tests, monitored=monitored)
    except BootstrapError as error:
        console.note(f"bootstrap: {error}")
        return 1
    except OSError as error:
        console.note(f"bootstrap: {error.filename or places.cache}: {error.strerror or error}")
        return 1
    except KeyboardInterrupt:
        console.note("bootstrap: interrupted; run it again, it goes on where it stopped")
        return 130
    console.note(f"bootstrap: done in {duration(time.monotonic() - began)}. To use it: . script/env")
    return 0


def install(places: Places, majors: list[int], console: Console, *, for_tests: bool, monitored: bool) -> None:
    """All the parts, quickest first, and the stamp when all are there."""
    python_environment.ensure(places, console)
    for major in majors:
        wheels.ensure_postgresql(major, places, console)
    pgbouncer.ensure(places, console, for_tests=for_tests)
    pulumi.ensure(places, console)
    plugins.ensure(places, console)
    if for_tests:
        actionlint.ensure(places, console)
    if monitored:
        monitoring.ensure(places, console)
    golang.clean(places)
    stamp.leave(places)


def _make_cache(places: Places, console: Console) -> None:
    try:
        places.cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BootstrapError(
            f"{places.cache} cannot be made ({error.strerror}); set WAQITI_CACHE_DIR to another folder"
        ) from error
    if not os.access(places.cache, os.W_OK):
        raise BootstrapError(f"{places.cache} cannot be written; set WAQITI_CACHE_DIR to another folder")
    if os.geteuid() == 0 and (closed := unreadable_parents(places.cache)):
        console.note(
            f"warning: servers run as another user than root, who cannot enter {closed[-1]}; "
            "set WAQITI_CACHE_DIR to a folder that all can read"
        )


@contextmanager
def _alone(places: Places, console: Console) -> Iterator[None]:
    """One bootstrap at a time for a cache; a killed one lets go when what it started has ended."""
    with (places.cache / ".bootstrap.lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with console.step("waiting for another bootstrap to end"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
