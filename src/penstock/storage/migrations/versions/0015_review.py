# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""Answers held back for people, and what people decided."""

from pathlib import Path

from alembic import op

revision = "0015_review"
down_revision = "0014_ingest"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
