# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""What the processes of a fleet tell each other of targets."""

from pathlib import Path

from alembic import op

revision = "0006_fleet"
down_revision = "0005_alerts"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
