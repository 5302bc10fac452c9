# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""Which assistant a remark is about, beside it."""

from pathlib import Path

from alembic import op

revision = "0029_remarks_placed"
down_revision = "0028_quality_days"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
