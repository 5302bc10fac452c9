"""A worker in a process of its own, over the tests' index: `python worker_process.py URL`."""

import sys

from tests.knowledge.ingest.kept import open_kept

from penstock.app.knowledge.ingest import run_worker
from penstock.config import read

run_worker(read(None, {"PENSTOCK__INGEST__HEARTBEAT_S": "0.3"}), sys.argv[1], open_kept)
