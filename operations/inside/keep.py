"""The first process of a restored instance's container: it is there, so that the server may be, too."""

from __future__ import annotations

import signal
import sys

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    while True:
        signal.pause()
