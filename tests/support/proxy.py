"""A TCP proxy on loopback that cuts, hangs and slows connections, to see what a client makes of it."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from dataclasses import replace
from types import TracebackType
from typing import Self

from core.sessions.connections import Database
from servers import ports

_LINGER_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of 0 seconds: closing sends RST, as when a machine or a firewall drops the connection."""
_CHUNK_BYTES = 65536


class Proxy:
    """Listens on a free port and forwards to `host`:`port`. A context manager; runs in a thread of its own.

    with Proxy.to(source_database) as proxy:
        database = proxy.seen_through(source_database)
        ...
        proxy.cut()
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self.port = ports.free_port()
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._delay_seconds = 0.0
        self._refusing = False
        self._bytes_until_cut: int | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.accepted = 0
        """Connections accepted so far."""

    @classmethod
    def to(cls, database: Database) -> Self:
        """A proxy in front of a database's server."""
        return cls(database.endpoint.address or database.endpoint.host, database.endpoint.port)

    def seen_through(self, database: Database) -> Database:
        """The same database, reached through this proxy."""
        endpoint = database.endpoint.model_copy(update={"address": ports.LOOPBACK, "port": self.port})
        return replace(database, label=f"{database.label} (proxied)", endpoint=endpoint)

    def cut(self) -> None:
        """Resets all connections and refuses new ones until `heal`."""
        self._call(self._cut(refuse=True))

    def cut_once(self) -> None:
        """Resets all connections; new ones are welcome."""
        self._call(self._cut(refuse=False))

    def cut_after(self, amount: int) -> None:
        """Resets all connections once `amount` more bytes (both ways together) have gone through."""
        self._bytes_until_cut = amount

    def hang(self) -> None:
        """Keeps connections open and accepts new ones, but forwards nothing until `heal`."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def slow(self, seconds: float) -> None:
        """Waits `seconds` before each chunk (of up to 64 KiB) until `heal`."""
        self._delay_seconds = seconds

    def heal(self) -> None:
        """Ends every fault; connections that were cut stay cut."""
        self._delay_seconds, self._refusing, self._bytes_until_cut = 0.0, False, None
        self._loop.call_soon_threadsafe(self._flowing.set)

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        self.heal()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, coroutine: object) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)  # type: ignore[arg-type]

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, ports.LOOPBACK, self.port)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        await self._cut(refuse=True)
        self._flowing.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _cut(self, *, refuse: bool) -> None:
        self._refusing = refuse
        for writer in list(self._writers):
            _reset(writer)
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self._refusing:
            _reset(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            _reset(writer)
            return
        self._writers |= {writer, far_writer}
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pump(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while chunk := await source.read(_CHUNK_BYTES):
                await self._flowing.wait()
                if self._delay_seconds:
                    await asyncio.sleep(self._delay_seconds)
                sink.write(chunk)
                await sink.drain()
                if self._bytes_until_cut is not None:
                    self._bytes_until_cut -= len(chunk)
                    if self._bytes_until_cut <= 0:
                        self._bytes_until_cut = None
                        await self._cut(refuse=False)
                        return
        except OSError:
            pass  # One side is gone; so will the other be.
        finally:
            self._writers.discard(sink)
            sink.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
    writer.transport.abort()
