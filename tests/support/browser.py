"""Chromium without a window, steered through a pipe: a page at a width, on light, on dark and on paper.

The protocol: https://chromedevtools.github.io/devtools-protocol/, JSON messages that end with a NUL byte.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


def chromium() -> str | None:
    """Where it is; None: not installed."""
    return shutil.which("chromium")


@dataclass
class Browser:
    """A page of one browser. Use as a context manager."""

    program: str
    folder: Path
    """For its profile."""
    complaints: list[str] = field(default_factory=list)
    """What the console was told, and what could not be loaded."""

    def __enter__(self) -> Self:
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()

        # It reads from 3 and writes to 4.
        there = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        self._process = subprocess.Popen(
            [
                "bash",
                "-c",
                there,
                "-",
                self.program,
                *_OPTIONS,
                f"--user-data-dir={self.folder}",
                "about:blank",
            ],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._buffer, self._number = b"", 0
        targets = self.ask("Target.getTargets")["targetInfos"]
        target = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._write)
        os.close(self._read)
        self._process.terminate()
        self._process.wait(30)

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if hasattr(self, "_session"):
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        for said in self._said():
            if said.get("id") == self._number:
                assert "error" not in said, f"{method}: {said['error']}"
                found: dict[str, Any] = said["result"]
                return found
        raise AssertionError("the browser went away")

    def open(self, page: Path, *, width: int, dark: bool = False, paper: bool = False) -> None:
        """Show a file."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", media="print" if paper else "screen", features=features)
        self.ask("Page.navigate", url=page.as_uri())
        self.evaluate(
            "new Promise(done => document.readyState == 'complete' ? done() : addEventListener('load', done))"
        )

    def evaluate(self, expression: str) -> Any:
        """The value of JavaScript in the page."""
        return self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)[
            "result"
        ].get("value")

    def screenshot(self, file: Path) -> None:
        """Of the whole page."""
        shown = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shown["data"]))

    def _said(self) -> Iterator[dict[str, Any]]:
        while True:
            message, end, rest = self._buffer.partition(b"\0")
            if not end:
                more = os.read(self._read, 1 << 16)
                if not more:
                    return
                self._buffer += more
                continue
            self._buffer = rest
            said: dict[str, Any] = json.loads(message)
            self._listen(said)
            yield said

    def _listen(self, said: dict[str, Any]) -> None:
        event, parameters = said.get("method", ""), said.get("params", {})
        if event == "Runtime.consoleAPICalled":
            self.complaints.append(f"console: {parameters['args']}")
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(f"exception: {parameters['exceptionDetails'].get('text')}")
        elif event == "Log.entryAdded":
            self.complaints.append(f"{parameters['entry']['level']}: {parameters['entry']['text']}")
        elif event == "Network.requestWillBeSent":
            url = str(parameters["request"]["url"])
            if not url.startswith(("file:", "data:", "about:")):
                self.complaints.append(f"asks for {url}")


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with an empty profile in `folder`."""
    program = chromium()
    assert program is not None, "chromium is not installed"
    with Browser(program, folder) as opened:
        yield opened
