# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""What assistants' exchanges are like by the hour, and what was found to have changed."""

from pathlib import Path

from alembic import op

revision = "0021_drift"
down_revision = "0020_contents"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
