import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    lines = sa.table("alembic_lines", sa.column("item", sa.Integer))
    op.bulk_insert(lines, [{"item": number} for number in range(1, 6)])
    op.add_column("alembic_lines", sa.Column("note", sa.Text))
    op.create_check_constraint("alembic_lines_note", "alembic_lines", "length(note) < 100")
