"""What an installation has written down, after all.

Secrets belong in the knowledge base, the review's queue and the cache, which ask for rights, and nowhere else.
"""

import subprocess
import sys
from typing import Final

import psycopg
from psycopg import sql

from evaluation.retrieval.trial.play import SECRET
from evaluation.retrieval.trial.site import Site, call

_THEIRS: Final = frozenset(
    {"knowledge_documents", "knowledge_texts", "knowledge_chunks", "hold_contents", "hold_releases", "hold_cases"}
    | {"cache_entries"}
)
"""Tables whose rows are shown to nobody before they are asked for their rights."""


def left_behind(site: Site) -> list[str]:
    """Where a secret stands that should not: files, tables, the ledger, metrics; empty where there is none."""
    found = [*_in_files(site), *_in_tables(site)]
    command = [sys.executable, "-m", "penstock.cli", "ledger", "export", "--format", "jsonl"]
    done = subprocess.run(  # noqa: S603 - our own program
        [*command, "--data-dir", str(site.folder / "data")], capture_output=True, check=True, timeout=300
    )
    lines = done.stdout.count(b"\n")
    if not lines:
        raise RuntimeError("the ledger is empty: nothing was looked at")
    found += ["the ledger"] if SECRET.search(done.stdout) else []
    token = (site.folder / "data" / "admin-token").read_text("ascii").strip()
    for port, path in ((site.port, "/metrics"), (site.control_port, "/admin/v1/audit")):
        found += [path] if SECRET.search(call(port, "GET", path, token)[1]) else []
    return found


def _in_files(site: Site) -> list[str]:
    """Logs, journals and all else but the database's own files, and the outbox that holds wait in."""
    found: list[str] = []
    for path in sorted(site.folder.rglob("*")):
        inner = path.relative_to(site.folder)
        if path.is_file() and "postgres" not in inner.parts and "holds" not in inner.parts:
            found += [f"file {inner}"] if SECRET.search(path.read_bytes()) else []
    log = site.folder / "data" / "postgres.log"
    if log.exists() and SECRET.search(log.read_bytes()):
        found.append("the database's log")
    return found


def _in_tables(site: Site) -> list[str]:
    found: list[str] = []
    with psycopg.connect(site.url, autocommit=True) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").fetchall()
        for (name,) in names:
            if name in _THEIRS:
                continue
            query = sql.SQL(
                "SELECT count(*) FROM {} AS t WHERE t::text ~ 'zq[0-9a-f]{{12}}'"
                " OR position('7a71' IN t::text) > 0 AND t::text ~ '7a71(3[0-9]|6[1-6]){{12}}'"
            ).format(sql.Identifier(name))
            row = connection.execute(query).fetchone()
            found += [f"table {name}"] if row is not None and row[0] else []
    return found
