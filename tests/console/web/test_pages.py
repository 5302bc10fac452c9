"""What holds for every page, over the table of pages: a page that is added there is tested here."""

from typing import Any, cast

import pytest
from axe_playwright_python.sync_playwright import Axe
from tests.console.web.harness import EXAMPLES, Looker, shoot

from penstock.console.web.registry import PAGES, Page

BY_PATH = [pytest.param(page, id=page.title) for page in PAGES]
PHONE = {"width": 380, "height": 800}
SERIOUS = ("serious", "critical")


def findings(looker: Looker) -> list[str]:
    """What axe takes for serious, with the first place of each.  Of a long table's rows the first are looked at."""
    run = cast("Any", Axe()).run
    context = {"exclude": [["table.data tbody tr:nth-child(n+6)"]]}
    violations = run(looker.page, context, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{each['id']}: {each['help']}: {each['nodes'][0]['html']} {each['nodes'][0]['failureSummary']}"
        for each in violations
        if each["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("page", BY_PATH)
def test_a_page_is_shown_in_light_in_dark_and_on_a_phone(owner: Looker, page: Page) -> None:
    name = page.path.strip("/").replace("/", "-").strip("{}").replace("{", "") or "overview"
    assert owner.go(EXAMPLES.get(page.path, page.path)) == 200
    owner.page.wait_for_selector("nav.side a[aria-current]")
    assert owner.page.locator("main h1").inner_text() == page.title
    assert owner.page.title() == f"{page.title} · Penstock"
    assert owner.page.evaluate("document.documentElement.scrollWidth") <= 1280, "it is wider than its window"
    shoot(owner, f"{name}-light")
    assert findings(owner) == []
    owner.page.emulate_media(color_scheme="dark")
    owner.page.wait_for_selector("body.body--dark")
    shoot(owner, f"{name}-dark")
    assert findings(owner) == []
    owner.page.emulate_media(color_scheme="light")
    owner.page.set_viewport_size(PHONE)  # pyright: ignore[reportArgumentType]
    shoot(owner, f"{name}-phone")
    owner.fits(PHONE["width"])
    assert owner.page.evaluate("window.hit") is None, "a text was run"
    assert owner.complaints == []
    assert owner.outside == []
