# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""The ledger by month, and its sums by minute and hour."""

from pathlib import Path

from alembic import op

revision = "0019_rollups"
down_revision = "0018_signs"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
