"""As `alembic init` makes it, with the URL from the environment."""

import os

from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(
    os.environ["SCHEMA_URL"].replace("postgresql:", "postgresql+psycopg:", 1), poolclass=pool.NullPool
)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
