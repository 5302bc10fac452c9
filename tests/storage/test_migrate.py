import subprocess
import sys
import threading
from pathlib import Path

import alembic.config
import alembic.script
import psycopg
import pytest

from penstock.core.errors import ConfigError
from penstock.storage import migrate as module
from penstock.storage.migrate import Migrated, known_revisions, migrate

HEAD = known_revisions()[-1]


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {row[0] for row in rows}


def test_an_empty_database_gets_the_schema_once(empty_database_url: str) -> None:
    assert migrate(empty_database_url) == Migrated(None, HEAD)
    assert {"ledger", "tenants", "api_keys"} <= tables(empty_database_url)
    assert migrate(empty_database_url) == Migrated(HEAD, HEAD)


def test_of_several_that_start_at_once_one_migrates(empty_database_url: str) -> None:
    done: list[Migrated] = []
    threads = [threading.Thread(target=lambda: done.append(migrate(empty_database_url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.is_changed for each in done) == [False, False, False, True]


@pytest.mark.slow
def test_of_several_processes_that_start_at_once_all_succeed(empty_database_url: str) -> None:
    code = "import sys; from penstock.storage.migrate import migrate; print(migrate(sys.argv[1]).is_changed)"
    processes = [
        subprocess.Popen([sys.executable, "-c", code, empty_database_url], stdout=subprocess.PIPE) for _ in range(4)
    ]
    printed = sorted(process.communicate()[0].decode().strip() for process in processes)
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert printed == ["False", "False", "False", "True"]


def test_a_schema_newer_than_the_code_is_refused(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_from_the_future'")
    with pytest.raises(ConfigError, match=f"9999_from_the_future.*knows up to {HEAD}"):
        migrate(database_url)


def test_a_database_that_cannot_be_reached_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="cannot reach the database"):
        migrate("postgresql://nobody@127.0.0.1:9/none")


def test_a_failed_migration_leaves_nothing_half_done(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("CREATE TABLE api_keys (in_the_way integer)")
    with pytest.raises(ConfigError, match="api_keys"):
        migrate(empty_database_url)
    assert tables(empty_database_url) == {"api_keys"}


def test_the_sql_files_are_alembics_revisions() -> None:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(module.__file__).parent / "migrations"))
    revisions = alembic.script.ScriptDirectory.from_config(config).walk_revisions()
    assert sorted(each.revision for each in revisions) == list(known_revisions())


def test_the_newest_exchanges_of_a_tenant_come_from_an_index(database_url: str) -> None:
    """The question every console page asks; with ten million rows it must not sort them."""
    with psycopg.connect(database_url) as connection:
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute(
            "EXPLAIN SELECT id FROM ledger WHERE tenant = 'acme' ORDER BY started_at DESC, id DESC LIMIT 50"
        ).fetchall()
    text = "\n".join(str(row[0]) for row in plan)
    assert "tenant_started_at" in text
    assert "Sort" not in text
