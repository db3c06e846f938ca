import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    op.add_column("alembic_items", sa.Column("tier", sa.Integer, server_default="1", nullable=False))
    op.create_table(
        "alembic_lines",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("item", sa.Integer, sa.ForeignKey("alembic_items.id", ondelete="CASCADE"), index=True),
    )
