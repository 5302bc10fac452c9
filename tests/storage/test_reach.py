"""Which failures to connect are waited for, and which are told to the operator at once."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from penstock.core.errors import ConfigError
from penstock.storage.embedded import EmbeddedPostgres
from penstock.storage.migrate import migrate, require_schema
from penstock.storage.reach import DatabaseNotReady, reach

HANGS_UP = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    taken, _ = listener.accept()
    taken.recv(1024)
    taken.close()
"""


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """A server that asks `bob` for a password, turns `eve` away, and has no room for `carl`."""
    data_dir = Path(tempfile.mkdtemp(prefix="penstock-"))
    with EmbeddedPostgres(data_dir) as server:
        url = server.start()
        rules = data_dir / "postgres" / "pg_hba.conf"
        rules.write_text("local all bob scram-sha-256\nlocal all eve reject\n" + rules.read_text())
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE bob LOGIN PASSWORD 'right'")
            connection.execute("CREATE ROLE eve LOGIN")
            connection.execute("CREATE ROLE carl LOGIN CONNECTION LIMIT 0")
            connection.execute("SELECT pg_reload_conf()")
        yield url
    shutil.rmtree(data_dir)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("//postgres@/", "//bob:wrong@/", "password authentication failed"),
        ("//postgres@/", "//bob@/", "no password supplied"),
        ("//postgres@/", "//eve@/", "pg_hba.conf rejects"),
        ("//postgres@/", "//nobody@/", 'role "nobody" does not exist'),
        ("/penstock?", "/nowhere?", 'database "nowhere" does not exist'),
    ],
)
def test_what_the_server_refuses_is_final_and_said(server_url: str, old: str, new: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        migrate(server_url.replace(old, new))
    assert not isinstance(caught.value, DatabaseNotReady)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_full_server_is_waited_for(server_url: str) -> None:
    with pytest.raises(DatabaseNotReady, match="too many connections"):
        reach(server_url.replace("//postgres@/", "//carl@/"), name="test")


def test_a_server_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(DatabaseNotReady, match="Connection refused"):
        reach("postgresql://me@127.0.0.1:9/x", name="test")
    with pytest.raises(DatabaseNotReady, match="No such file or directory"):
        reach(f"postgresql://me@/x?host={tmp_path}", name="test")
    with pytest.raises(DatabaseNotReady, match="failed to resolve host"):
        reach("postgresql://me@no.such.host.invalid/x", name="test")


@pytest.mark.slow
def test_a_proxy_with_nothing_behind_it_is_waited_for() -> None:
    # A process of its own: libpq's ping would not let a thread of ours answer it.
    with subprocess.Popen([sys.executable, "-c", HANGS_UP], stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout is not None
        with pytest.raises(DatabaseNotReady, match="server closed the connection"):
            reach(f"postgresql://me@127.0.0.1:{proxy.stdout.readline().strip()}/x", name="test")
        proxy.kill()


@pytest.mark.parametrize("url", ["postgresql://me:secret@[::1/x", "me secret", "postgresql://me:secret@h/x?secret=1"])
def test_a_text_that_is_no_url_is_final_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match="cannot read this URL") as caught:
        reach(url, name="test")
    assert "secret" not in str(caught.value)
    assert not isinstance(caught.value, DatabaseNotReady)


def test_a_schema_that_somebody_else_makes_is_waited_for(empty_database_url: str) -> None:
    with pytest.raises(DatabaseNotReady, match="not up to date yet"):
        require_schema(empty_database_url)
    migrate(empty_database_url)
    require_schema(empty_database_url)
