"""The demo itself, small and fast: every process is real."""

from io import StringIO

import pytest
from rich.console import Console

from penstock.demo.run import Settings, run


@pytest.mark.slow
def test_the_demo_runs_and_penstock_loses_nothing() -> None:
    output = StringIO()
    direct, through, again = run(Settings(questions=40, speed=20.0, seed=1), Console(file=output, width=120))
    assert len(direct.outcomes) == len(through.outcomes) == 40
    assert direct.provider.calls == 40
    assert through.provider.calls >= len(through.answered)
    assert direct.lost == len(direct.answered) > 0
    assert through.lost == 0
    assert len(through.answered) >= len(direct.answered)
    assert again.lost == 0
    assert len(again.answered) >= len(through.answered)
    assert again.provider.calls <= through.provider.calls // 2, (
        "what was answered once is answered again without a call"
    )
    assert again.provider.cost_usd < through.provider.cost_usd / 2
    assert "Kept answers saved" in output.getvalue()
    assert "lost records" in output.getvalue()
