# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""By which price exchanges can be priced anew, and closed days by the release that closed them."""

from pathlib import Path

from alembic import op

revision = "0027_pricing"
down_revision = "0026_tallies_of_all"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    op.get_bind().exec_driver_sql((Path(__file__).parent.parent / "sql" / f"{revision}.sql").read_text())
