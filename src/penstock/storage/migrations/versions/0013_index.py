# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""Knowledge bases: documents, their chunks, and what finds them."""

from pathlib import Path

from alembic import op

revision = "0013_index"
down_revision = "0012_vault"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
