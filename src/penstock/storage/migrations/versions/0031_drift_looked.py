# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""What was seen of answers that were looked at, and the questions that later ones are held against."""

from pathlib import Path

from alembic import op

revision = "0031_drift_looked"
down_revision = "0030_feedback_of_what"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
