"""Times the taking in of a folder of Markdown: all of it, and its stages alone."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from evaluation.ingest.memory import MemoryStore
from penstock.app.encoder import load_encoder
from penstock.config import read
from penstock.core.clock import SystemClock
from penstock.core.sources import PUBLIC
from penstock.knowledge.document import BaseId
from penstock.knowledge.ingest.chunks import MOST
from penstock.knowledge.ingest.embedding import Embedder, in_context
from penstock.knowledge.ingest.isolation.readers import Readers
from penstock.knowledge.ingest.marks import NoMarks
from penstock.knowledge.ingest.progress import Progress as Done
from penstock.knowledge.ingest.sources.folder import Folder
from penstock.knowledge.ingest.sources.rules import ReaderRule
from penstock.knowledge.ingest.sync import Job, Sync, Tools
from penstock.knowledge.ingest.weight import weight


@dataclass(frozen=True, slots=True)
class Timed:
    documents: int
    failed: int
    chunks: int
    whole_s: float
    cpu_s: float
    read_s: float
    again_s: float
    mean_weight: float
    too_heavy: int


def time_handbook(root: Path) -> Timed:
    encoder = load_encoder(read(None, {}))
    embedder = Embedder(lambda text: encoder.model.encode(text).sentence, width=encoder.width, threads=2)
    store = MemoryStore()
    job = Job(base=BaseId(1), source="handbook", rules=(ReaderRule("**", (PUBLIC,)),), salt=encoder.identity)
    with Readers(children=2) as readers:
        tools = Tools(reader=readers, embedder=embedder, marks=NoMarks(), clock=SystemClock())
        folder = Folder(root, most_bytes=readers.limits.file_bytes)
        began_s = time.perf_counter()
        for entry in folder.entries():
            loaded = folder.load(entry)
            if loaded is not None and loaded.data.strip():
                readers.read(loaded.data, entry.key)
        read_s = time.perf_counter() - began_s
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        done = _with_bar(Sync(job, folder, store, tools, report=(bar := _Bar()).show), bar)
        whole_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
        began_s = time.perf_counter()
        Sync(job, folder, store, tools).run()
        again_s = time.perf_counter() - began_s
    embedder.close()
    encoder.close()
    documents = [document for document, _ in store.documents.values()]
    weights = [weight(in_context(each.title, chunk)) for each in documents for chunk in each.chunks]
    return Timed(
        documents=len(store.documents),
        failed=done.failed,
        chunks=done.chunks,
        whole_s=whole_s,
        cpu_s=cpu_s,
        read_s=read_s,
        again_s=again_s,
        mean_weight=sum(weights) / len(weights),
        too_heavy=sum(each > MOST + 30 for each in weights),
    )


class _Bar:
    def __init__(self) -> None:
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self._task = self.bar.add_task("reading", total=None)

    def show(self, done: Done) -> None:
        self.bar.update(self._task, completed=done.read, total=done.to_read or None, description=done.phase)


def _with_bar(sync: Sync, bar: _Bar) -> Done:
    if not sys.stderr.isatty():
        return sync.run()
    with bar.bar:
        return sync.run()
