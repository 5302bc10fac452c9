"""The commands as a shell sees them: what they print and how they exit."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.cli.ports import why_unusable


def penstock(*arguments: str, cwd: Path, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_ACCESS_KEY_ID"))}
    return subprocess.run(
        [sys.executable, "-m", "penstock.cli", *arguments],
        cwd=cwd,
        env={**clean, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_version_prints_the_version_and_loads_nothing(tmp_path: Path) -> None:
    done = penstock("version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "0.1.0\n")
    code = "import sys; from penstock.cli import main; main(['version']); print('typer' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.splitlines()[-1] == "False"


def test_help_lists_the_commands(tmp_path: Path) -> None:
    done = penstock("--help", cwd=tmp_path)
    assert done.returncode == 0
    for name in ("up", "serve", "check", "explain", "sim", "demo", "ledger", "version"):
        assert f" {name} " in done.stdout


def test_check_prints_every_problem_and_exits_with_2(tmp_path: Path) -> None:
    (tmp_path / "penstock.yaml").write_text("server: {prot: 1}\nlog: {level: loud}\n")
    done = penstock("check", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: penstock.yaml:1: server.prot: unknown setting (did you mean `port`?)",
        "error: penstock.yaml:2: log.level: expected one of debug, info, warning, error, got 'loud'",
    ]


def test_check_refuses_a_model_whose_provider_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text("models:\n  m:\n    targets: [{provider: opnai, model: gpt-4o}]\n")
    done = penstock("check", "--config", "other.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "other.yaml:3: models.m.targets.0.provider: there is no provider `opnai` (did you mean `openai`?)" in (
        done.stderr
    )


def test_check_says_what_a_sound_configuration_serves(tmp_path: Path) -> None:
    done = penstock("check", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "OK: the defaults and the environment" in done.stdout
    assert "sim" in done.stdout


def test_check_names_the_beginnings_of_model_names_and_where_they_go(tmp_path: Path) -> None:
    keys = {"OPENAI_API_KEY": "sk-x", "ANTHROPIC_API_KEY": "sk-y"}
    done = penstock("check", "--data-dir", str(tmp_path / "elsewhere"), cwd=tmp_path, environ=keys)
    assert done.returncode == 0, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert "claude-…  (go to anthropic)" in lines
    assert any(line.endswith("(go to openai)") and "gpt-…" in line for line in lines)
    assert any("PROVIDER/MODEL" in line for line in lines)
    assert f"data       {tmp_path / 'elsewhere'}" in lines
    assert "gemini" not in done.stdout, "a provider that is not there"
    assert not (tmp_path / "elsewhere").exists(), "a check makes nothing"


def test_explain_shows_the_call_without_the_key_and_without_calling(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text('{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}')
    done = penstock("explain", "request.json", cwd=tmp_path, environ={"OPENAI_API_KEY": "sk-very-secret"})
    assert done.returncode == 0, done.stderr
    assert "https://api.openai.com/v1/chat/completions" in done.stdout
    assert "in_flight" in done.stdout
    assert "sk-very-secret" not in done.stdout


COURSE = """\
models:
  fast:
    targets: [{provider: sim, model: sim}]
    hedged: true
    cheaper: lite
    fallbacks: [{on: [slow, down], targets: [{provider: sim, model: sim-reasoning}]}, {on: [down], answer: Away.}]
  lite: {targets: [{provider: sim, model: sim}]}
limits: [{name: rpm, unit: requests, amount: 600, per: minute, scope: [tenant], where: {tenant: acme}}]
"""


def test_explain_says_which_limit_queue_and_fallback_a_request_would_meet(tmp_path: Path) -> None:
    (tmp_path / "penstock.yaml").write_text(COURSE)
    (tmp_path / "request.json").write_text('{"model": "fast", "messages": [{"role": "user", "content": "Hello"}]}')
    done = penstock("explain", "request.json", "--as", "tenant=acme", "--as", "priority=batch", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "limit `rpm`" in done.stdout
    assert "queue: class batch, sure of 10% of a target's places" in done.stdout
    assert "hedged: a second call beside one that is later than 85%" in done.stdout
    assert "no answer (down, slow): sim/sim-reasoning" in done.stdout
    assert "no answer (down): a text in its place" in done.stdout
    assert "a cheaper tier only: lite" in done.stdout
    other = penstock("explain", "request.json", "--as", "tenant=other", cwd=tmp_path)
    assert "limit `rpm`" not in other.stdout
    for wrong in ("priority=urgent", "planet=mars", "tenant"):
        refused = penstock("explain", "request.json", "--as", wrong, cwd=tmp_path)
        assert (refused.returncode, refused.stderr[:12]) == (1, "error: --as:")


def test_up_refuses_a_port_in_use_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = penstock("up", "--port", str(port), "--data-dir", str(tmp_path / "data"), cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"error: port {port} on 127.0.0.1 is in use: choose another with --port\n"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7"])
def test_an_address_that_is_not_ours_is_said_so(host: str) -> None:
    assert why_unusable(host, 8080) == f"{host} is not an address of this machine"
