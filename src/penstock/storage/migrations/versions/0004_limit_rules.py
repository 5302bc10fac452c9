# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""Limits and budgets that are made over the admin API, and what is known of their counters."""

from pathlib import Path

from alembic import op

revision = "0004_limit_rules"
down_revision = "0003_limits"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
