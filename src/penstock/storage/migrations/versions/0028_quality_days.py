# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""What was found of answers, by fewer dimensions and by whole days and months."""

from pathlib import Path

from alembic import op

revision = "0028_quality_days"
down_revision = "0027_pricing"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
