# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""Sums of each view in a table of its own."""

from pathlib import Path

from alembic import op

revision = "0025_rollup_views"
down_revision = "0024_rollup_days"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
