# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""Contents of exchanges, sealed, and the marks that they are found by."""

from pathlib import Path

from alembic import op

revision = "0020_contents"
down_revision = "0019_rollups"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
