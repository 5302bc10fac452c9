# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""What a verdict is about, beside it."""

from pathlib import Path

from alembic import op

revision = "0030_feedback_of_what"
down_revision = "0029_remarks_placed"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
