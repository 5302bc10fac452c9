"""Deliberate faults in taking documents in: who may read what, what is never read, what ends equal."""

from mutations.mutation import Mutation

SYNC = "tests/knowledge/ingest/test_sync.py"
SOURCES = "tests/knowledge/ingest/test_sources.py"
FORMATS = "tests/knowledge/ingest/test_formats.py"
ISOLATION = "tests/knowledge/ingest/test_isolation.py"

MUTATIONS = (
    Mutation(
        "changed rights wait for the file to change",
        "knowledge/ingest/sync.py",
        "            self._store.permit(self._job.base, wanted)\n",
        "",
        SYNC,
    ),
    Mutation(
        "a document that moves keeps its old readers",
        "knowledge/ingest/sync.py",
        "            self._store.permit(self._job.base, {old: document.readers})",
        "            pass",
        SYNC,
    ),
    Mutation(
        "what a mail carries keeps the mail's old readers",
        "knowledge/ingest/sync.py",
        "if (owner := _owner(key)) in self._entries",
        "if (owner := key) in self._entries",
        SYNC,
    ),
    Mutation(
        "what no rule names any more stays",
        "knowledge/ingest/sync.py",
        "        self._remove(unreadable)\n",
        "",
        SYNC,
    ),
    Mutation(
        "the old text of a file that is refused stays",
        "knowledge/ingest/sync.py",
        'if error.reason == "unreachable":',
        "if error.reason:",
        SYNC,
    ),
    Mutation(
        "a source that is suddenly empty takes everything with it",
        "knowledge/ingest/sync.py",
        "if not self._progress.files and self._known and self._job.removes_gone:",
        "if False:",
        SYNC,
    ),
    Mutation(
        "a mail counts as read before what it carries",
        "knowledge/ingest/sync.py",
        "for each in reversed(found):",
        "for each in found:",
        SYNC,
    ),
    Mutation(
        "the last rule that fits counts",
        "knowledge/ingest/sources/rules.py",
        "    for rule in rules:\n        if rule.expression.fullmatch(key):",
        "    for rule in reversed(rules):\n        if rule.expression.fullmatch(key):",
        SOURCES,
    ),
    Mutation(
        "a glob fits what merely begins like it",
        "knowledge/ingest/sources/rules.py",
        "if rule.expression.fullmatch(key):",
        "if rule.expression.match(key):",
        SOURCES,
    ),
    Mutation(
        "a link is followed",
        "knowledge/ingest/sources/folder.py",
        "os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK",
        "os.O_RDONLY | os.O_NONBLOCK",
        SOURCES,
    ),
    Mutation(
        "a folder that is a link is entered",
        "knowledge/ingest/sources/folder.py",
        "os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW",
        "os.O_RDONLY | os.O_DIRECTORY",
        SOURCES,
    ),
    Mutation(
        "two points lead out of the folder",
        "knowledge/ingest/sources/folder.py",
        'part in {"", ".", ".."}',
        'part in {"", "."}',
        SOURCES,
    ),
    Mutation(
        "inner networks are asked",
        "knowledge/ingest/sources/fetching.py",
        "return found.is_global and not found.is_multicast",
        "return not found.is_multicast",
        SOURCES,
    ),
    Mutation(
        "a redirect leads to another host",
        "knowledge/ingest/sources/fetching.py",
        "        if host not in self._hosts:",
        "        if not host:",
        SOURCES,
    ),
    Mutation(
        "an address is looked up again after it was checked",
        "knowledge/ingest/sources/fetching.py",
        "        return _Pinned(host, port, addresses[0], self._timeout_s)",
        "        return http.client.HTTPConnection(host, port, timeout=self._timeout_s)",
        SOURCES,
    ),
    Mutation(
        "an archive is believed in what it says it expands to",
        "knowledge/ingest/formats/package.py",
        "if total > limits.expanded_bytes or (size > _RATIO_FROM and size > _MOST_RATIO * part.compress_size):",
        "if total < 0:",
        FORMATS,
    ),
    Mutation(
        "macros are let in",
        "knowledge/ingest/formats/package.py",
        "in _MACRO_PARTS for part in parts",
        "in () for part in parts",
        FORMATS,
    ),
    Mutation(
        "entities are seen in one encoding only",
        "knowledge/ingest/formats/package.py",
        'word.encode("utf-16-le"), word.encode("utf-16-be")',
        "",
        FORMATS,
    ),
    Mutation(
        "hidden text of a page is read",
        "knowledge/ingest/formats/hypertext.py",
        'if "hidden" in attributes or',
        "if",
        FORMATS,
    ),
    Mutation(
        "a child may compute as long as it likes",
        "knowledge/ingest/isolation/child.py",
        "    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))\n",
        "",
        f"{ISOLATION} -k compute",
    ),
    Mutation(
        "a child sees the environment",
        "knowledge/ingest/isolation/readers.py",
        "{name: os.environ[name] for name in _KEPT if name in os.environ}",
        "dict(os.environ)",
        f"{ISOLATION} -k secrets",
    ),
    Mutation(
        "a child that died is asked again",
        "knowledge/ingest/isolation/readers.py",
        "if child is None or not child.is_alive:",
        "if child is None:",
        f"{ISOLATION} -k crash",
    ),
)
