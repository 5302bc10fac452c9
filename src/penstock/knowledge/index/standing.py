"""Whether what an answer was made from still stands: every document as it was then, and readable by who asks now."""

from collections.abc import Mapping
from typing import LiteralString

from penstock.knowledge.index.bases import document_number
from penstock.knowledge.index.steps import READABLE, Asker, Statement, Steps, assume

_STANDING: LiteralString = f"""
    SELECT count(*) FROM unnest(%(documents)s::bigint[], %(versions)s::bigint[]) AS w (id, version)
    JOIN knowledge_documents AS d ON d.id = w.id AND d.version = w.version
    WHERE {READABLE}
"""  # noqa: S608 - put together of constants


def documents_stand(asker: Asker, versions: Mapping[str, int]) -> Steps[bool]:
    """Whether all of the documents are there in these versions, and the asker may read them."""
    numbers = [document_number(document) for document in versions]
    if None in numbers:
        return False
    values = {**asker.values, "documents": numbers, "versions": list(versions.values())}
    _, [row] = yield assume(asker), Statement(_STANDING, values)
    return int(row[0]) == len(numbers)
