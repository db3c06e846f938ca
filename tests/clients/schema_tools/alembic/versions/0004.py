from alembic import op

revision, down_revision = "0004", "0003"


def upgrade() -> None:
    op.execute("UPDATE alembic_lines SET note = 'of ' || item")
    op.create_unique_constraint("alembic_lines_once", "alembic_lines", ["item", "note"])
