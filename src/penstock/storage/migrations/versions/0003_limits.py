# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""The counters of limits and budgets, and the shares of them that processes hold."""

from pathlib import Path

from alembic import op

revision = "0003_limits"
down_revision = "0002_identity"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
