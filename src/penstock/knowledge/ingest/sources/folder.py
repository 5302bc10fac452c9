"""A folder and all below it.  Nothing outside it is ever read, whatever links lie in it."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from penstock.knowledge.ingest.sources.rules import compiled
from penstock.knowledge.ingest.sources.source import Entry, Gone, Loaded, SourceUnavailable
from penstock.knowledge.ingest.unreadable import Unreadable

_MOST_DEPTH: Final = 100


class Folder:
    """Files whose path below `root` fits an `include` (all, where there is none) and no `exclude`.

    Hidden files and folders are left out.  Links are not followed.
    """

    def __init__(
        self, root: Path, *, include: Sequence[str] = (), exclude: Sequence[str] = (), most_bytes: int
    ) -> None:
        self._root = root
        self._include = [compiled(glob) for glob in include]
        self._exclude = [compiled(glob) for glob in exclude]
        self._most_bytes = most_bytes

    def entries(self) -> Iterator[Entry]:
        """In the order of their paths."""
        try:
            found = self._root.lstat()
        except OSError as error:
            raise SourceUnavailable(f"{self._root} cannot be looked at: {error.strerror}") from None
        if stat.S_ISDIR(found.st_mode):
            yield from self._below(self._root, "", 0)
        else:
            raise SourceUnavailable(f"{self._root} is no folder")

    def load(self, entry: Entry, *, mark: str | None = None) -> Loaded | None:
        data = self._read(entry.key)
        return Loaded(data)

    def close(self) -> None:
        """There is nothing to close."""

    def _below(self, folder: Path, prefix: str, depth: int) -> Iterator[Entry]:
        try:
            with os.scandir(folder) as listing:
                found = sorted(listing, key=lambda each: each.name)
        except OSError as error:
            if not depth:
                raise SourceUnavailable(f"{folder} cannot be listed: {error.strerror}") from None
            # Not to be listed is not to be empty: what was read from there before must stay.
            raise SourceUnavailable(f"the folder {prefix} cannot be listed: {error.strerror}") from None
        for each in found:
            if each.name.startswith("."):
                continue
            key = f"{prefix}{each.name}"
            if each.is_dir(follow_symlinks=False):
                if depth < _MOST_DEPTH:
                    yield from self._below(Path(each.path), f"{key}/", depth + 1)
            elif self._is_wanted(key):
                yield self._entry(each, key)

    def _is_wanted(self, key: str) -> bool:
        if any(glob.fullmatch(key) for glob in self._exclude):
            return False
        return not self._include or any(glob.fullmatch(key) for glob in self._include)

    def _entry(self, found: "os.DirEntry[str]", key: str) -> Entry:
        try:
            key.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(key).decode("utf-8", "replace")
            return Entry(key=shown, trouble=Unreadable("bad_name", "its name is not UTF-8: rename it"))
        if found.is_symlink():
            return Entry(key=key, trouble=Unreadable("forbidden", "it is a link: links are not followed"))
        try:
            info = found.stat(follow_symlinks=False)
        except OSError as error:
            return Entry(key=key, trouble=Unreadable("unreachable", f"it cannot be looked at: {error.strerror}"))
        if not stat.S_ISREG(info.st_mode):
            return Entry(key=key, trouble=Unreadable("forbidden", "it is no regular file"))
        trouble = None
        if info.st_size > self._most_bytes:
            trouble = Unreadable("too_large", f"it has {info.st_size >> 20} MiB, more than {self._most_bytes >> 20}")
        return Entry(key=key, size=info.st_size, modified_at=info.st_mtime, trouble=trouble)

    def _read(self, key: str) -> bytes:
        """Each folder on the way is opened by its own name, so that one that became a link meanwhile is not entered."""
        *folders, name = key.split("/")
        if any(part in {"", ".", ".."} for part in (*folders, name)):
            raise Unreadable("forbidden", "its path leads out of the folder")
        handle = -1
        try:
            handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
            for folder in folders:
                inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
                os.close(handle)
                handle = inner
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=handle)
        except FileNotFoundError:
            raise Gone(key) from None
        except OSError as error:
            raise Unreadable("unreachable", f"it cannot be opened: {error.strerror}") from None
        finally:
            if handle >= 0:
                os.close(handle)
        return self._all(file)

    def _all(self, file: int) -> bytes:
        with os.fdopen(file, "rb") as opened:
            info = os.fstat(opened.fileno())
            if not stat.S_ISREG(info.st_mode):
                raise Unreadable("forbidden", "it is no regular file")
            try:
                data = opened.read(self._most_bytes + 1)
            except OSError as error:
                raise Unreadable("unreachable", f"it cannot be read: {error.strerror}") from None
        if len(data) > self._most_bytes:
            raise Unreadable("too_large", f"it has more than {self._most_bytes >> 20} MiB")
        return data
