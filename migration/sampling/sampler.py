"""Looks at the counters while a verb is at work, beside it: nothing of the verb waits for a look."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from components.contract import Contract
from migration.sampling.kept import append, samples_file
from migration.sampling.look import Looks
from servers.errors import ServerError

STATEMENTS_SECONDS = 10.0
"""pg_stat_statements is read no oftener: it locks its table while it is read."""
GROWTH, LONGEST = 1 / 600, 10.0
"""A second between looks in the first ten minutes, then longer and longer."""
REST_SECONDS = 30.0
PATIENCE_SECONDS = 3.0
"""How long the end of a verb waits for a look that is under way."""


class Sampler:
    """Made by `sampled`."""

    def __init__(self, contract: Contract, file: Path) -> None:
        self._contract = contract
        self._file = file
        self._over = threading.Event()
        self._resting_until = 0.0
        self.thread = threading.Thread(target=self._run, name="samples", daemon=True)
        self.problem = ""
        """Why nothing is kept."""

    def rest(self) -> None:
        """Take no look while clients wait, until `go_on` or for half a minute; counters lose nothing."""
        self._resting_until = time.monotonic() + REST_SECONDS

    def go_on(self) -> None:
        """The pause is over."""
        self._resting_until = 0.0

    def end(self) -> None:
        """Take a last look, and end."""
        self._over.set()
        self.thread.join(PATIENCE_SECONDS)

    def _may_look(self) -> bool:
        return self._over.is_set() or time.monotonic() >= self._resting_until

    def _run(self) -> None:
        looks, began, read_at = Looks(self._contract), time.monotonic(), float("-inf")
        try:
            last = False
            while not last:
                last = self._over.is_set()
                now = time.monotonic()
                if self._may_look():
                    due = last or now - read_at >= STATEMENTS_SECONDS
                    sample = looks.take(statements=due, go_on=self._may_look)
                    read_at = now if due else read_at
                    append(self._file, sample)
                self._over.wait(min(LONGEST, max(1.0, (now - began) * GROWTH)))
        except (OSError, ServerError) as error:
            self.problem = f"{self._file} cannot be written to: {error}"
        except Exception as error:  # noqa: BLE001 (a look is never a reason for a verb to fail or to be noisy)
            self.problem = f"a bug in this program ({type(error).__name__})"
        finally:
            with suppress(Exception):
                looks.close()


@contextmanager
def sampled(contract: Contract, warn: Callable[[str], None]) -> Iterator[Sampler]:
    """Keep samples of a stack while the block runs. What cannot be kept stops nothing: it is said."""
    sampler = Sampler(contract, samples_file(contract))
    sampler.thread.start()
    try:
        yield sampler
    finally:
        sampler.end()
        if sampler.problem:
            warn(f"the report of this run lacks throughput and latency: {sampler.problem}")
