# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""The signs of vectors, which ten thousand chunks are compared by."""

from pathlib import Path

from alembic import op

revision = "0018_signs"
down_revision = "0017_rights"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
