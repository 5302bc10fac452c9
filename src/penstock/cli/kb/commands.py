"""The commands of `penstock kb`."""

import os
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from penstock.app.knowledge.desk import NameTaken
from penstock.app.knowledge.views import BaseView
from penstock.cli.admin.api import AsJson, show, table
from penstock.cli.kb.opening import Open, Place, fail, opened
from penstock.cli.kb.watching import sync_here, wait_for
from penstock.cli.settings import EXIT_FAILED, ConfigOption, DataDirOption, refuse
from penstock.core.errors import ConfigError
from penstock.core.sources import PUBLIC
from penstock.knowledge.ingest.progress import Progress
from penstock.knowledge.ingest.sources.rules import ReaderRule, parsed_reader, parsed_rules
from penstock.knowledge.jobs import store
from penstock.knowledge.jobs.specs import FolderSpec, Run, SiteSpec, SourceRow, Spec
from penstock.knowledge.jobs.store import SourceBusy

kb = typer.Typer(name="kb", help="Knowledge bases: documents that answers come from.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The knowledge base.")]
_SHOWN_FAILURES = 20


@kb.callback()
def _group(
    context: typer.Context,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    tenant: Annotated[str, typer.Option(help="Whose knowledge bases.")] = "default",
) -> None:
    """Knowledge bases: documents that answers come from."""
    context.obj = Place(config, data_dir, tenant)


@kb.command("create")
def create(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Make an empty knowledge base."""
    with opened(context.obj) as at:
        base = at.desk.bases.create(at.tenant, name)
    show({"id": base, "name": name}, as_json=as_json, text=lambda: f"created {name}; next: penstock kb add {name} PATH")


@kb.command("add")
def add(  # noqa: PLR0917 - typer makes named options of these
    context: typer.Context,
    name: Name,
    what: Annotated[list[str], typer.Argument(help="Folders, files, or addresses of site maps.")],
    readers: Annotated[
        list[str] | None,
        typer.Option(help="Who may read: READER,… for all, or GLOB=READER,…; the first that fits.", show_default=False),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Of a folder these files: GLOB, or !GLOB for all but these.", show_default=False),
    ] = None,
    inner: Annotated[bool, typer.Option("--inner", help="The site may be on an inner network.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say where its documents come from and who may read them; `sync` then reads them."""
    if not readers:
        fail("say who may read them: --readers public, --readers group:sales, or --readers 'hr/**=group:hr'")
    try:
        rules = parsed_rules(readers)
    except ConfigError as error:
        refuse(error)
    with opened(context.obj) as at:
        base = at.base(name)
        added = [_add(at, base, each, rules, (tuple(only or ()), inner)) for each in what]
    show({"sources": added}, as_json=as_json, text=lambda: f"added {', '.join(added)}; next: penstock kb sync {name}")


def _add(
    at: Open,
    base: BaseView,
    what: str,
    rules: tuple[ReaderRule, ...],
    options: tuple[tuple[str, ...], bool],
) -> str:
    only, is_inner = options
    include = tuple(glob for glob in only if not glob.startswith("!"))
    exclude = tuple(glob[1:] for glob in only if glob.startswith("!"))
    spec: Spec
    if what.startswith(("http://", "https://")):
        source, spec = what, SiteSpec(what, is_inner)
    else:
        path = Path(os.path.abspath(what))  # noqa: PTH100 - `resolve` would follow links
        if path.is_dir() and not path.is_symlink():
            source, spec = str(path), FolderSpec(str(path), include, exclude)
        elif path.is_file():
            return _hand_in(at, base, path, rules)
        else:
            fail(f"there is no folder or file {path}")
    store.add_source(at.sources, base.id, source, spec, rules)
    return source


def _hand_in(at: Open, base: BaseView, path: Path, rules: tuple[ReaderRule, ...]) -> str:
    readers = next((rule.readers for rule in rules if rule.expression.fullmatch(path.name)), ())
    if path.stat().st_size > at.means.limits.file_bytes:
        fail(f"{path} is larger than {at.means.limits.file_bytes >> 20} MiB")
    try:
        with path.open("rb") as file:
            at.desk.hand_in(base.id, path.name, file, readers)
    except NameTaken as error:
        fail(f"{path}: a document {path.name!r} comes from {error} already")
    except (ValueError, OSError) as error:
        fail(f"{path}: {error}")
    return path.name


@kb.command("sync")
def sync(
    context: typer.Context,
    name: Name,
    wait: Annotated[bool, typer.Option("--wait", help="Until the worker has done it, with a progress bar.")] = False,
    now: Annotated[bool, typer.Option("--now", help="In this process, without a worker.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring it up to date with its sources: what is new or changed is read, what is gone is removed."""
    with opened(context.obj) as at:
        base = at.base(name)
        rows = at.sources_of(base)
        if not rows:
            fail(f"{name} has no sources: penstock kb add {name} PATH")
        if now:
            runs = [sync_here(at, row, quiet=as_json) for row in rows]
        else:
            at.desk.queue(base.id)
            runs = [wait_for(at, row, quiet=as_json) for row in rows] if wait else []
    if not runs:
        show(
            {"queued": [row.name for row in rows]},
            as_json=as_json,
            text=lambda: f"queued; see penstock kb status {name}",
        )
        return
    show(
        {"sources": _views(rows, runs)},
        as_json=as_json,
        text=lambda: "\n".join(_told(*pair) for pair in zip(rows, runs, strict=True)),
    )
    if any(run is None or run.state != "done" for run in runs):
        raise typer.Exit(EXIT_FAILED)


@kb.command("status")
def status(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show what is in it, and how far each source is."""
    with opened(context.obj) as at:
        base = at.base(name)
        rows = at.sources_of(base)
        runs = [store.run_of(at.sources, row.id) for row in rows]
    answer = {**msgspec.structs.asdict(base), "sources": _views(rows, runs)}
    lines = [f"{name}: {base.documents} documents, {base.chunks} chunks"]
    show(
        answer,
        as_json=as_json,
        text=lambda: "\n".join([*lines, *(_told(*pair) for pair in zip(rows, runs, strict=True))]),
    )


@kb.command("search")
def search(  # noqa: PLR0917 - typer makes named options of these
    context: typer.Context,
    name: Name,
    query: Annotated[str, typer.Argument(help="What is sought.")],
    reading_as: Annotated[
        list[str] | None, typer.Option("--as", help="As whom: group:NAME, role:NAME, user:ID.", show_default=False)
    ] = None,
    most: Annotated[int, typer.Option("-k", min=1, max=100, help="How many at most.")] = 8,
    as_json: AsJson = False,
) -> None:
    """Find what one of these may read; without --as what everybody may."""
    try:
        readers = (PUBLIC, *(parsed_reader(each) for each in reading_as or ()))
    except ConfigError as error:
        refuse(error)
    with opened(context.obj) as at:
        found = at.desk.bases.search(at.base(name).id, query, readers, most=most)
    items = [msgspec.to_builtins(each) for each in found]
    rows = [{**item, "text": " ".join(item["text"].split())[:100], "page": item.get("page")} for item in items]
    show({"items": items}, as_json=as_json, text=lambda: table(rows, ("score", "title", "page", "text")))


@kb.command("rm")
def remove(
    context: typer.Context,
    name: Name,
    key: Annotated[str | None, typer.Argument(help="A source or a document; without one the whole base.")] = None,
    as_json: AsJson = False,
) -> None:
    """Remove a document, a source with all its documents, or the whole knowledge base."""
    with opened(context.obj) as at:
        base = at.base(name)
        rows = at.sources_of(base)
        source = next((row for row in rows if row.name == key), None)
        try:
            if key is None:
                at.desk.delete(base.id)
            elif source is not None:
                at.desk.remove_source(base.id, source)
            elif not at.desk.remove_document(base.id, key):
                fail(f"{name} has no source and no document {key!r}")
        except SourceBusy:
            fail(f"{name} is being brought up to date now: wait for it with penstock kb sync --wait")
    show({"removed": key or name}, as_json=as_json, text=lambda: f"removed {key or name}")


def _views(rows: list[SourceRow], runs: "list[Run | None]") -> list[dict[str, Any]]:
    return [
        {"name": row.name, "spec": msgspec.to_builtins(row.spec), "rules": msgspec.to_builtins(row.rules),
         "run": msgspec.to_builtins(run), "left_s": None if run is None else run.progress.left_s}
        for row, run in zip(rows, runs, strict=True)
    ]  # fmt: skip


def _told(row: SourceRow, run: "Run | None") -> str:
    if run is None:
        return f"{row.name}: never read"
    lines = [f"{row.name}: {run.state}, {summary(run.progress)}"]
    if run.error:
        lines.append(f"  {run.error}")
    lines += [f"  {each.key}: {each.message} [{each.reason}]" for each in run.progress.failures[:_SHOWN_FAILURES]]
    if run.progress.failed > _SHOWN_FAILURES:
        lines.append(f"  … and {run.progress.failed - _SHOWN_FAILURES} more")
    return "\n".join(lines)


def summary(progress: Progress) -> str:
    """What has been done, in a line."""
    return (
        f"{progress.files} files: {progress.read} read into {progress.chunks} chunks, {progress.unchanged} unchanged,"
        f" {progress.moved} moved, {progress.removed} removed, {progress.failed} failed; {progress.seconds:.1f} s"
    )
