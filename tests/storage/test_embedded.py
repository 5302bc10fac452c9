import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import psycopg
import pytest

from penstock.core.errors import ConfigError
from penstock.storage import cluster
from penstock.storage.cluster import RunAs, socket_directory
from penstock.storage.embedded import EmbeddedPostgres, running_url

pytestmark = pytest.mark.slow

KILLED_OWNER = """
import os, signal, sys
from pathlib import Path
from penstock.storage.embedded import EmbeddedPostgres
EmbeddedPostgres(Path(sys.argv[1])).start()
os.kill(os.getpid(), signal.SIGKILL)
"""


def answer(url: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT 42").fetchone()
    return None if row is None else row[0]


def pid_of(server: EmbeddedPostgres) -> int:
    pid = server.pid
    assert pid is not None
    return pid


def test_it_starts_twice_and_leaves_nothing_running(short_dir: Path) -> None:
    server = EmbeddedPostgres(short_dir)
    url = server.start()
    pid = pid_of(server)
    assert answer(url) == 42
    server.stop()
    assert running_url(short_dir) is None
    assert not psutil.pid_exists(pid)
    assert server.start() == url
    assert running_url(short_dir) == url
    server.stop()
    server.stop()


def test_it_listens_on_no_network_address_and_its_socket_is_private(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    process = psutil.Process(pid_of(postgres))
    assert not process.net_connections(kind="inet")
    assert any(each.family == socket.AF_UNIX for each in process.net_connections(kind="unix"))
    assert Path(process.cwd()).stat().st_mode & 0o077 == 0


def test_the_last_one_out_stops_it(short_dir: Path) -> None:
    first, second = EmbeddedPostgres(short_dir), EmbeddedPostgres(short_dir)
    url = first.start()
    assert second.start() == url
    first.stop()
    assert answer(url) == 42
    second.stop()
    assert running_url(short_dir) is None


def test_a_killed_server_is_recovered_though_its_pid_lives_on_as_another_process(short_dir: Path) -> None:
    server = EmbeddedPostgres(short_dir)
    url = server.start()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    os.kill(pid_of(server), signal.SIGKILL)
    # The killed process stays a zombie, as we are its parent; beside that, give its pid file to a live stranger.
    stranger = subprocess.Popen(["/bin/sleep", "60"])
    pid_file = short_dir / "postgres" / "postmaster.pid"
    _, _, rest = pid_file.read_text().partition("\n")
    pid_file.write_text(f"{stranger.pid}\n{rest}")
    assert running_url(short_dir) is None
    assert server.start() == url
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
    server.stop()
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_server_whose_owner_was_killed_is_adopted_and_stopped(short_dir: Path) -> None:
    owner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            KILLED_OWNER,
            short_dir,
        ]
    )
    owner.wait()
    url = running_url(short_dir)
    assert url is not None
    server = EmbeddedPostgres(short_dir)
    assert server.start() == url
    pid = pid_of(server)
    server.stop()
    assert running_url(short_dir) is None
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_several_that_start_at_once_share_one_server(short_dir: Path) -> None:
    servers = [EmbeddedPostgres(short_dir) for _ in range(4)]
    urls: list[str] = []

    def start(server: EmbeddedPostgres) -> None:
        urls.append(server.start())

    threads = [threading.Thread(target=start, args=(server,)) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(urls) == 4
    assert len(set(urls)) == 1
    assert len({server.pid for server in servers}) == 1
    for server in servers:
        server.stop()
    assert running_url(short_dir) is None


def test_a_first_start_that_was_cut_short_can_be_repeated(short_dir: Path) -> None:
    half = short_dir / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(short_dir) as server:
        assert answer(server.start()) == 42


def test_a_path_too_long_for_a_socket_gets_a_private_one_elsewhere(short_dir: Path) -> None:
    deep = short_dir / ("d" * 60) / ("e" * 60)
    with EmbeddedPostgres(deep) as server:
        url = server.start()
        assert str(deep) not in url
        assert answer(url) == 42
        assert running_url(deep) == url
        elsewhere = socket_directory(deep / "postgres", RunAs((deep / "postgres").stat().st_uid, None))
        assert elsewhere.is_dir()
    assert not elsewhere.exists()


def test_a_strangers_socket_directory_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster.tempfile, "gettempdir", lambda: str(tmp_path))
    pgdata = Path("/" + "x" * 200)
    made = socket_directory(pgdata, RunAs(None, None))
    made.chmod(0o777)
    with pytest.raises(ConfigError, match="not a private directory"):
        socket_directory(pgdata, RunAs(None, None))


def test_without_the_extra_and_without_a_url_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing_is_installed(_: str) -> None:
        return None

    monkeypatch.setattr(cluster.importlib.util, "find_spec", nothing_is_installed)
    with pytest.raises(ConfigError, match=r"database_url.*penstock\[local\]"):
        EmbeddedPostgres(tmp_path).start()


def test_another_versions_cluster_is_refused(short_dir: Path) -> None:
    pgdata = short_dir / "postgres"
    pgdata.mkdir()
    (pgdata / "PG_VERSION").write_text("16\n")
    with pytest.raises(ConfigError, match="made by PostgreSQL 16"):
        EmbeddedPostgres(short_dir).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_it_runs_as_an_ordinary_user_too(short_dir: Path) -> None:
    nobody = 65534
    os.chown(short_dir, nobody, nobody)
    # A fork and no new program: the interpreter itself may lie where nobody but root can go.
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(nobody)
            os.setuid(nobody)
            with EmbeddedPostgres(short_dir) as server:
                code = 0 if answer(server.start()) == 42 else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert (short_dir / "postgres").stat().st_uid == nobody
