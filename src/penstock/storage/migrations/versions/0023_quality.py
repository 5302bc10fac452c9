# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""How good answers were, what became of conversations, and which credentials were refused."""

from pathlib import Path

from alembic import op

revision = "0023_quality"
down_revision = "0022_rules"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
