"""asyncpg, psycopg, SQLAlchemy, Django (CLIENT_DRIVER). What it does and prints: tests/clients/README.md."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

Round = Callable[[str, int], Awaitable[int]]

INSERT = "INSERT INTO client_rows (client, n, value) VALUES ({}, {}, 0)"
UPDATE = "UPDATE client_rows SET value = value + 1 WHERE client = {} AND n = {}"
SELECT = "SELECT value FROM client_rows WHERE client = {} AND n = {}"

REST = float(os.environ.get("CLIENT_REST_MS", "10")) / 1000
URL, PREPARE = os.environ["CLIENT_URL"], os.environ.get("CLIENT_PREPARE") != "no"


async def with_asyncpg(stack: AsyncExitStack) -> Round:
    import asyncpg

    options: dict[str, Any] = {} if PREPARE else {"statement_cache_size": 0}
    pool = await stack.enter_async_context(asyncpg.create_pool(URL, min_size=1, max_size=4, **options))
    insert, update, select = (text.format("$1", "$2") for text in (INSERT, UPDATE, SELECT))

    async def one(name: str, n: int) -> int:
        async with pool.acquire() as connection:
            await connection.execute(insert, name, n)
            async with connection.transaction():
                await connection.execute(update, name, n)
                await connection.execute(update, name, n)
        # Another one of the pool: what was let go has been through `RESET ALL`.
        async with pool.acquire() as connection:
            return int(await connection.fetchval(select, name, n))

    return one


async def with_psycopg(stack: AsyncExitStack) -> Round:
    import psycopg

    settings: dict[str, Any] = {} if PREPARE else {"prepare_threshold": None}
    connection = await psycopg.AsyncConnection.connect(URL, autocommit=True, **settings)
    await stack.enter_async_context(connection)
    insert, update, select = (text.format("%s", "%s") for text in (INSERT, UPDATE, SELECT))

    async def one(name: str, n: int) -> int:
        await connection.execute(insert, (name, n))
        async with connection.transaction():
            await connection.execute(update, (name, n))
            await connection.execute(update, (name, n))
        row = await (await connection.execute(select, (name, n))).fetchone()
        return int(row[0]) if row else -1

    return one


async def with_sqlalchemy(stack: AsyncExitStack) -> Round:
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(URL, pool_size=4, max_overflow=0)
    stack.push_async_callback(engine.dispose)
    insert, update, select = (text(one.format(":name", ":n")) for one in (INSERT, UPDATE, SELECT))

    async def one(name: str, n: int) -> int:
        values = {"name": name, "n": n}
        async with engine.begin() as connection:
            await connection.execute(insert, values)
        async with engine.begin() as connection:
            await connection.execute(update, values)
            await connection.execute(update, values)
        async with engine.connect() as connection:
            return int((await connection.execute(select, values)).scalar_one())

    return one


async def with_django(stack: AsyncExitStack) -> Round:
    import sys
    from concurrent.futures import ThreadPoolExecutor
    from urllib.parse import unquote, urlsplit

    sys.path.append(str(Path(__file__).parent / "packages"))
    import django
    from django.conf import settings
    from django.db import connections, models, transaction

    url = urlsplit(URL)
    own = {
        "ENGINE": "django.db.backends.postgresql", "HOST": url.hostname, "PORT": url.port,
        "NAME": url.path[1:], "USER": url.username, "PASSWORD": unquote(url.password or ""),
    }  # fmt: skip
    settings.configure(DATABASES={"default": own}, INSTALLED_APPS=[], USE_TZ=True)
    django.setup()

    class Rows(models.Model):  # type: ignore[misc]
        pk = models.CompositePrimaryKey("client", "n")
        client = models.TextField()
        n = models.BigIntegerField()
        value = models.IntegerField()

        class Meta:
            app_label, db_table, managed = "clients", "client_rows", False

    def one(name: str, n: int) -> int:
        Rows.objects.create(client=name, n=n, value=0)
        row = Rows.objects.filter(client=name, n=n)
        with transaction.atomic():
            row.update(value=models.F("value") + 1)
            row.update(value=models.F("value") + 1)
        return int(row.get().value)

    # A connection is a thread's.
    thread = stack.enter_context(ThreadPoolExecutor(1))
    stack.callback(lambda: thread.submit(connections.close_all).result())

    async def round_(name: str, n: int) -> int:
        return await asyncio.wrap_future(thread.submit(one, name, n))

    return round_


DRIVERS = {
    "django": with_django,
    "asyncpg": with_asyncpg,
    "psycopg": with_psycopg,
    "sqlalchemy": with_sqlalchemy,
}


async def main() -> None:
    stop, name = Path(os.environ["CLIENT_STOP"]), os.environ["CLIENT_NAME"]
    acknowledged, longest, failed, n = 0, 0.0, [], 0
    async with AsyncExitStack() as stack:
        one = await DRIVERS[os.environ["CLIENT_DRIVER"]](stack)
        while not stop.exists():
            n += 1
            began = time.monotonic()
            try:
                value = await one(name, n)
            except Exception as error:  # noqa: BLE001 (whatever a driver raises is what the test is about)
                failed.append(f"{type(error).__name__}: {error}".splitlines()[0])
            else:
                if value == 2:
                    acknowledged += 1
                else:
                    failed.append(f"read back {value} in round {n}")
            longest = max(longest, (time.monotonic() - began) * 1000)
            await asyncio.sleep(REST)
    print(json.dumps({"acknowledged": acknowledged, "failed": failed, "longest_ms": round(longest, 1)}))


asyncio.run(main())
