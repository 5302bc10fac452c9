# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""Where documents come from, how far taking them in is, and the queue of jobs."""

from pathlib import Path

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0014_ingest"
down_revision = "0013_index"


def upgrade() -> None:
    """Run the queue's own schema, as its library ships it, and the SQL file of the same name."""
    # Without parameters, so that no per cent sign in it is taken for one.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None  # noqa: S101 - a migration runs over a connection that is open
    driver.execute(SchemaManager.get_schema())
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
