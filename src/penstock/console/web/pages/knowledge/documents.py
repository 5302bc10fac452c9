"""One knowledge base: its sources and how far each is, its documents, and what somebody would find in it."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from nicegui import events, ui

from penstock.console.web.api_client import ApiRefused, path_of
from penstock.console.web.layout.parts.fields import Field, ask, confirm, typed
from penstock.console.web.layout.parts.paging import all_of
from penstock.console.web.layout.parts.region import LIVE_S, Region, attempt, toast
from penstock.console.web.layout.parts.table import Act, DataTable, Filter, Listing
from penstock.console.web.layout.parts.table_state import Column, Row, Tone
from penstock.console.web.layout.parts.tabs import tabs
from penstock.console.web.layout.parts.text import Text, badge, box, button, card, empty, tile, tiles
from penstock.console.web.view import View, link
from penstock.core.clock import age

_WORDS = {"ready": "Ready", "waiting": "Waits to be read", "failed": "Could not be read"}
_TONES: Mapping[str, Tone] = {"ready": "ok", "waiting": "info", "failed": "bad"}
_RUNS: Mapping[str | None, tuple[str, str]] = {
    None: ("Never read", ""),
    "waiting": ("Waits for a worker", "info"),
    "running": ("Is being read", "info"),
    "done": ("Up to date", "ok"),
    "stopped": ("Stopped", "warn"),
    "failed": ("Failed", "bad"),
}
_CHOOSE = "Choose one, or drop it here"
_MOST_BYTES = 32 << 20
"""Of a file over this page, which has it in memory; larger ones go over the admin API."""


async def one(view: View) -> None:
    await _Base(view).open()


class _Base:
    def __init__(self, view: View) -> None:
        self._view = view
        self._name = view.parts["base"]
        self._tenant = view.query.get("tenant", "")[:300]
        if self._tenant:
            view.aside["tenant"] = self._tenant
        self._path = path_of("bases", self._name)
        self._may = view.who.may("knowledge.write")
        self._documents: DataTable | None = None

    async def open(self) -> None:
        with box("p", "crumb"):
            Text("a", "All knowledge bases", href=link("/knowledge"))
        try:
            await self._read()
        except ApiRefused as refused:
            if refused.is_signed_out or refused.status == 404:
                await Region(self._view, self._read, lambda _: None).open()
                return
        with box("div", "row").style("margin-bottom: 16px"):
            Text("h2", self._name)
            Text("span", self._tenant or "", "badge")
            if self._may:
                button("Hand a document in", self._hand_in, kind="main", icon="upload_file")
                button("Bring up to date", self._sync, icon="sync")
        views = [("documents", "Documents"), ("sources", "Sources")]
        if self._view.who.may("knowledge.search"):
            views.append(("search", "Search as somebody"))
        current = tabs(self._view, views, tenant=self._tenant)
        if current == "documents":
            await self._open_documents()
        elif current == "sources":
            await Region(self._view, self._read, self._show_sources, every_s=LIVE_S).open()
        else:
            await _Search(self._view, self._path, self._tenant).open()

    async def _read(self) -> dict[str, Any]:
        return await self._view.read(self._path, tenant=self._tenant)

    async def _open_documents(self) -> None:
        may = self._may
        self._documents = DataTable(
            self._view,
            Listing(
                caption="Documents",
                columns=(
                    Column("name", "Name"),
                    Column("title", "Title"),
                    Column(
                        "state", "State", "badge", lambda row: _WORDS[row["state"]], lambda row: _TONES[row["state"]]
                    ),
                    Column("message", "Why not"),
                    Column("readers", "Who may read it", "tags"),
                    Column("chunks", "Passages", "number"),
                ),
                read=self._read_documents,
                sort="name",
                nothing=("description", "No document yet", "Hand one in, or add a folder with `penstock kb add`."),
                filters=(Filter("state", "State", (("", "Any state"), *_WORDS.items())),),
                acts=(Act("delete", "Delete", self._delete, "danger", lambda _: may),),
                every_s=LIVE_S,
            ),
        )
        await self._documents.open()

    async def _read_documents(self, filters: Mapping[str, str]) -> list[Row]:
        rows = await all_of(self._view, f"{self._path}/documents", tenant=self._tenant)
        return [{**row, "id": row["name"]} for row in rows if filters.get("state") in (None, row["state"])]

    def _show_sources(self, found: Mapping[str, Any]) -> None:
        with tiles():
            tile("Documents", f"{found['documents']:,}")
            tile("Passages", f"{found['chunks']:,}")
            tile("Sources", f"{len(found['sources']):,}")
        with card("Sources"):
            if not found["sources"]:
                empty("folder_open", "No source yet", "Hand a document in, or add a folder with `penstock kb add`.")
            for each in found["sources"]:
                _source(each)

    async def _sync(self) -> None:
        await attempt(
            self._view,
            lambda: self._view.act("POST", f"{self._path}/sync", tenant=self._tenant),
            "A worker brings all its sources up to date.",
        )
        await self._refresh()

    async def _refresh(self) -> None:
        if self._documents is not None:
            await self._documents.refresh()

    def _delete(self, row: Row) -> None:
        async def go() -> None:
            path = f"{self._path}/documents{path_of(*row['name'].split('/'))}"
            await attempt(
                self._view,
                lambda: self._view.act("DELETE", path, tenant=self._tenant),
                f"{row['name']} is deleted.",
            )
            await self._refresh()

        text = "Answers from it are not given again. What its source still has comes back with the next reading."
        confirm(f"Delete {row['name']}?", text, "Delete", go)

    def _hand_in(self) -> None:
        kept: dict[str, Any] = {}
        fields = (
            Field(
                "readers", "Who may read it", hint="public, or role:…, group:…, user:…, with commas.", is_required=True
            ),
            Field("name", "Name", hint="The file's own, if left out; it may have slashes."),
        )

        async def send(answers: dict[str, Any]) -> None:
            if "data" not in kept:
                raise ApiRefused(400, "malformed_request", "Choose a file first, and wait until it is here.")
            name = answers["name"].strip() or kept["name"]
            readers = [each.strip() for each in answers["readers"].split(",") if each.strip()]
            path = f"{self._path}/documents{path_of(*name.split('/'))}"
            await self._view.act("PUT", path, kept["data"], reader=readers, tenant=self._tenant)
            toast(f"{name} waits to be read by a worker.")
            await self._refresh()

        async def take(event: events.UploadEventArguments) -> None:
            kept["name"], kept["data"] = event.file.name, await event.file.read()

        def draw() -> None:
            Text("label", "File")
            chosen = ui.upload(
                label="Choose one, or drop it here",
                on_upload=take,
                max_file_size=_MOST_BYTES,
                max_files=1,
                auto_upload=True,
            )
            chosen.on("rejected", lambda: toast(f"A file may have {_MOST_BYTES >> 20} MiB here.", "bad"))
            chosen.classes("upload")

        ask(
            self._view,
            "Hand a document in",
            fields,
            send,
            label="Hand in",
            text="One of the same name is replaced, once this one is read.",
            before=draw,
        )


def _source(each: Mapping[str, Any]) -> None:
    words, tone = _RUNS[each["state"]]
    with box("div").style("padding: 10px 0"):
        with box("div", "row"):
            Text("b", each["name"])
            Text("span", each["kind"], "badge")
            badge(words, tone)
            if each["left_s"]:
                Text("span", f"{age(each['left_s'])} left", "count")
        if each["to_read"]:
            share = min(1.0, each["read"] / each["to_read"])
            with box("div", "bar", role="img", aria_label=f"{share:.0%} read"):
                box("i", "warn" if each["failed"] else "").style(f"width: {100 * share:.1f}%")
        failed = f", {each['failed']:,} could not be read" if each["failed"] else ""
        Text("div", f"{each['files']:,} files, {each['read']:,} of {each['to_read']:,} to be read are read{failed}")
        if each["error"]:
            Text("div", each["error"]).style("color: var(--bad)")


class _Search:
    """What somebody would find who is all that is written, and nobody else.  Both stand in the address."""

    def __init__(self, view: View, path: str, tenant: str) -> None:
        self._view = view
        self._path = path
        self._tenant = tenant
        self._words = view.query.get("find", "")[:4000]
        self._as = view.query.get("as", "")[:2000]
        self._keep()

    async def open(self) -> None:
        with box("div", "tools", role="search"):
            typed("What to look for", self._words, lambda text: self._turn(find=text), kind="search").classes("grow")
            typed("As: group:hr, role:agent, user:ada", self._as, lambda text: self._turn(as_=text)).classes("grow")
            Text("span", "Beside public; nothing else is read.", "count")
        self._region = Region(self._view, self._read, self._show)
        await self._region.open()

    def _keep(self) -> None:
        self._view.aside |= {name: value for name, value in (("find", self._words), ("as", self._as)) if value}

    async def _turn(self, *, find: str | None = None, as_: str | None = None) -> None:
        self._words = self._words if find is None else find.strip()[:4000]
        self._as = self._as if as_ is None else as_.strip()[:2000]
        self._view.keep_aside(**{"find": self._words, "as": self._as})
        await self._region.refresh()

    async def _read(self) -> list[dict[str, Any]] | str:
        if not self._words:
            return "nothing asked"
        readers = [each.strip() for each in self._as.split(",") if each.strip()]
        asked = {"q": self._words, "as": readers, "tenant": self._tenant}
        found = await self._view.read(f"{self._path}/search", **asked)
        return found["items"]

    def _show(self, found: "Sequence[dict[str, Any]] | str") -> None:
        if isinstance(found, str):
            empty("search", "Look for something", "As a model would for this question, with the rights that you write.")
            return
        if not found:
            empty("search_off", "Nothing is found", "Or nothing that such a reader may see.")
            return
        with card(f"{len(found)} passages"):
            for each in found:
                _passage(cast("Mapping[str, Any]", each))


def _passage(each: Mapping[str, Any]) -> None:
    with box("div", "source"):
        with box("div", "row"):
            Text("b", each["title"])
            if each["heading"]:
                Text("span", ", ".join(each["heading"]), "count")
            if each["page"] is not None:
                Text("span", f"page {each['page']}", "badge")
            Text("span", f"score {each['score']:.3f}", "badge")
        Text("p", each["text"])
        Text("p", f"{each['document']}, version {each['version']}", "mono")
