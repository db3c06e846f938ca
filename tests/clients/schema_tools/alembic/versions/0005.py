import sqlalchemy as sa
from alembic import op

revision, down_revision = "0005", "0004"


def upgrade() -> None:
    op.alter_column("alembic_items", "tier", server_default="2")
    op.add_column("alembic_items", sa.Column("seen", sa.Date))
    op.execute("INSERT INTO alembic_items (name) VALUES ('the last')")
