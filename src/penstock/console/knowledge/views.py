"""What the admin API shows and takes of knowledge."""

from typing import Literal

from pydantic import BaseModel, Field

from penstock.app.knowledge.desk import DocumentView as Document
from penstock.app.knowledge.views import BaseView as Base


class NewBase(BaseModel):
    name: str = Field(min_length=1, max_length=200, pattern=r"^[^/\s\x00][^/\x00]*$")


class BaseView(BaseModel):
    name: str
    tenant: str = Field(description="Empty for a base that all tenants read.")
    documents: int
    chunks: int


class BaseList(BaseModel):
    items: list[BaseView]


class SourceView(BaseModel):
    """Where documents come from, and how far bringing it up to date is."""

    name: str
    kind: Literal["folder", "site", "upload"]
    state: str | None = Field(description="waiting, running, done, stopped or failed; null where it was never read.")
    error: str | None
    files: int
    to_read: int
    read: int
    failed: int
    left_s: float | None = Field(description="What the rest will take if it goes on like this; null: nobody knows.")


class WholeBase(BaseView):
    sources: list[SourceView]


class DocumentView(BaseModel):
    name: str
    state: Literal["ready", "waiting", "failed"]
    source: str
    readers: list[str]
    reason: str | None = Field(description="Why it could not be read, for programs.")
    message: str | None = Field(description="The same for people.")
    id: str | None
    version: int | None
    title: str | None
    media_type: str | None
    uri: str | None
    modified_at: float | None
    chunks: int


class DocumentPage(BaseModel):
    items: list[DocumentView]
    next: str | None


class HandedIn(BaseModel):
    name: str
    bytes: int
    sha256: str
    state: Literal["waiting"] = "waiting"


class Queued(BaseModel):
    sources: list[str]


class PassageView(BaseModel):
    document: str
    version: int
    title: str
    heading: list[str]
    text: str
    page: int | None
    uri: str | None
    score: float


class PassageList(BaseModel):
    items: list[PassageView]


def base_view(base: Base) -> BaseView:
    return BaseView(name=base.name, tenant=base.tenant, documents=base.documents, chunks=base.chunks)


def document_view(document: Document) -> DocumentView:
    return DocumentView.model_validate({name: getattr(document, name) for name in Document.__struct_fields__})
