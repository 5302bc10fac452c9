# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""Feedback on answers."""

from pathlib import Path

from alembic import op

revision = "0009_feedback"
down_revision = "0008_left_out"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
