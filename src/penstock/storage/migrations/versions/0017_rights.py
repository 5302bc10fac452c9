# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""Rights of chunks by the document's, without a function for each row."""

from pathlib import Path

from alembic import op

revision = "0017_rights"
down_revision = "0016_memory"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
