"""The table of pages in docs/console.md is that of the code, with the roles that may see each."""

import re
from pathlib import Path

from penstock.admission.identity.roles import PERMISSIONS, ROLES
from penstock.console.web.registry import PAGES


def test_no_page_stands_twice_and_docs_tell_of_each() -> None:
    assert len({page.path for page in PAGES}) == len(PAGES)
    document = (Path(__file__).parents[2] / "docs" / "console.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \| `/console(/[^`]*)` \| `([a-z.]+)` \| (.+) \|$", document, re.MULTILINE)
    told = [(title, path, permission, roles) for title, path, permission, roles in rows]
    assert told == [
        (page.title, page.path, page.permission, ", ".join(r for r in ROLES if page.permission in PERMISSIONS[r]))
        for page in PAGES
    ]
