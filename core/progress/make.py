"""Progress in the form that was asked for."""

from __future__ import annotations

import sys
from typing import TextIO

from core.progress.interface import Progress, Silent, Style


def make_progress(style: Style = "auto", stream: TextIO | None = None) -> Progress:
    """The implementation for a stream (standard error by default).

    `auto` is `live` on a terminal and `lines` off it.
    """
    stream = stream if stream is not None else sys.stderr
    if style == "auto":
        style = "live" if stream.isatty() else "lines"
    if style == "silent":
        return Silent()
    if style == "json":
        from core.progress.as_json import JsonProgress

        return JsonProgress(stream)
    if style == "lines":
        from core.progress.lines import LineProgress

        return LineProgress(stream)
    from core.progress.live import LiveProgress

    return LiveProgress(stream)
