"""A button that takes one file into memory: reached by keyboard, and named, as Quasar's own field is not."""

from collections.abc import Callable

from nicegui import events, ui

from penstock.console.web.layout.parts.region import toast
from penstock.console.web.layout.parts.text import Text, box, button

MOST_BYTES = 32 << 20
"""Of a file over a page, which has it in memory; larger ones go over the admin API."""


def file_field(label: str, take: Callable[[str, bytes], None]) -> None:
    """`take` is told the file's name and what is in it, each time one is chosen; the last counts."""

    async def came(event: events.UploadEventArguments) -> None:
        data = await event.file.read()
        take(event.file.name, data)
        said.set_text(f"{event.file.name}, {len(data):,} bytes")

    hidden = ui.upload(on_upload=came, max_file_size=MOST_BYTES, auto_upload=True)
    hidden.style("display: none")
    hidden.on("rejected", lambda: toast(f"A file may have {MOST_BYTES >> 20} MiB here.", "bad"))
    with box("div", "row"):
        button(label, lambda: hidden.run_method("pickFiles"), icon="upload_file")
        said = Text("span", "No file yet", "count", role="status")
