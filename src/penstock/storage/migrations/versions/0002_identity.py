# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""Tenants with projects, what a key may do, providers' credentials, and the audit of every change."""

from pathlib import Path

from alembic import op

revision = "0002_identity"
down_revision = "0001_ledger"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
