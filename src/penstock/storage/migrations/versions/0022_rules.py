# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""Alert rules with their states, silences, and deliveries in order."""

from pathlib import Path

from alembic import op

revision = "0022_rules"
down_revision = "0021_drift"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
