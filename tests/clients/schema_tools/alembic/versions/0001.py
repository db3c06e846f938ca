import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None


def upgrade() -> None:
    op.create_table(
        "alembic_items",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(80), nullable=False, unique=True),
        sa.Column("made", sa.DateTime(timezone=True), server_default=sa.func.now()),
    )
    op.execute("INSERT INTO alembic_items (name) SELECT 'item ' || i FROM generate_series(1, 20) i")
