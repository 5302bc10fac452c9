# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""Alerts and their deliveries to webhooks."""

from pathlib import Path

from alembic import op

revision = "0005_alerts"
down_revision = "0004_limit_rules"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
