# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""What happened to everybody by the day, and unknown costs told from an index."""

from pathlib import Path

from alembic import op

revision = "0026_tallies_of_all"
down_revision = "0025_rollup_views"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
