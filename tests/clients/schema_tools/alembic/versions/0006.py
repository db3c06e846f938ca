import sqlalchemy as sa
from alembic import op

revision, down_revision = "0006", "0005"


def upgrade() -> None:
    op.alter_column("alembic_items", "name", type_=sa.Text)
    op.drop_column("alembic_lines", "note")
