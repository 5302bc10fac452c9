# noqa: INP001 - alembic runs this file by its path; nobody imports it
"""Alembic's entry: run the revisions over a connection that `penstock.storage.migrate` opens."""

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

engine = create_engine("postgresql+psycopg://", creator=context.config.attributes["connect"], poolclass=NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()
