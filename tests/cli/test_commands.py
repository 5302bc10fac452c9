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


BOMBS = {
    "(a{1000}){1000}": "invalid repetition size: {1000}",
    "(?:(?:a{20}){20}){20}": "invalid repetition size: {20}",
    "(?:[a-z]{1,64}){1,64}": "invalid repetition size: {1,64}",
    r"\pL{900}": "pattern too large",
    "(a+)+$": "without an upper bound",
    "(?:[a-z ]{20}){20}": "a match may have 400 characters",
    "(?=a)b": "invalid perl operator",
}


def test_check_names_every_expression_of_a_list_that_cannot_be_used(tmp_path: Path) -> None:
    lines = [f"      - '{each}'" for each in ("PRJ-[0-9]{4}", *BOMBS)]
    settings = "guards:\n  lists:\n    projects:\n      kind: PROJECT\n      patterns:\n"
    (tmp_path / "penstock.yaml").write_text(settings + "\n".join(lines) + "\n")
    done = penstock("check", cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    said = done.stderr.splitlines()
    assert len(said) == len(BOMBS)
    for place, (line, why) in enumerate(zip(said, BOMBS.values(), strict=True), 1):
        assert f"guards.lists.projects.patterns.{place}: " in line
        assert why in line


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


BROKEN = """\
models:
  a: {targets: &sim [{provider: sim, model: "sim:echo"}], guards: {personal_data: {fail: closed, kinds: [IBANN]}}}
  b: {targets: *sim, guards: {policy: {fail: closed, terms: {x: ["good", "???"]}}}}
  c: {targets: *sim, guards: {policy: {fail: closed, disclaimers: [{text: "No advice.", said: ["(("]}]}}}
  d: {targets: *sim, guards: {own: {tone: {fail: open, plugin: tone}}}}
  e: {targets: *sim, guards: {scope: {fail: open, topics: {talk: ["Where is my order?", "🦄🦄"]}}}}
  f: {targets: *sim, guards: {scope: {fail: open, languages: [xx]}}}
  g: {targets: *sim, guards: {policy: {fail: open, secrets: false, least_chars: 10}}}
"""
SAID = (
    "models.a.guards.personal_data.kinds.0: no rule finds IBANN",
    "models.b.guards.policy.terms.x: the term '???' has no letter",
    "models.c.guards.policy.disclaimers.0: the expression '((' is not taken",
    "models.d.guards.own.tone.plugin: no installed package offers a guard 'tone'",
    "models.e.guards.scope.topics.talk.1: it has no word that the encoder knows",
    "models.f.guards.scope.languages: a language is not known",
)


def test_check_opens_what_guards_need_and_names_what_cannot_be_had(tmp_path: Path) -> None:
    (tmp_path / "penstock.yaml").write_text(BROKEN)
    done = penstock("check", cwd=tmp_path)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == len(SAID), done.stderr
    for number, (line, said) in enumerate(zip(lines, SAID, strict=True)):
        assert line.startswith(f"error: penstock.yaml:{number + 2}: {said}"), line
    assert [each.name for each in tmp_path.iterdir()] == ["penstock.yaml"], "a check makes nothing"


def test_check_names_the_expression_of_a_list_that_cannot_be_used(tmp_path: Path) -> None:
    patterns = '["P-[0-9]{4}", "P-[0-9]+(", "P-.*"]'
    (tmp_path / "penstock.yaml").write_text(
        f"guards:\n  default: {{personal_data: {{fail: closed, names: false}}}}\n"
        f"  lists: {{projects: {{kind: PROJECT, patterns: {patterns}}}}}\n"
    )
    done = penstock("check", cwd=tmp_path)
    assert done.returncode == 2
    first, second = done.stderr.splitlines()
    assert "guards.lists.projects.patterns.1: " in first
    assert "guards.lists.projects.patterns.2: " in second


@pytest.mark.parametrize(
    ("guards", "module", "told"),
    [
        ("{scope: {fail: open, languages: [en]}}", "py3langid", "pip install 'penstock[language]'"),
        ("{scope: {fail: open, topics: {talk: [Hello there]}}}", "onnxruntime", "pip install 'penstock[encoder]'"),
    ],
)
def test_check_says_what_to_install(tmp_path: Path, guards: str, module: str, told: str) -> None:
    (tmp_path / "penstock.yaml").write_text(
        f'models: {{m: {{targets: [{{provider: sim, model: "sim:echo"}}], guards: {guards}}}}}\n'
    )
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / f"{module}.py").write_text("raise ImportError('not installed')\n")
    path = os.pathsep.join((str(tmp_path / "without"), os.environ.get("PYTHONPATH", "")))
    done = penstock("check", cwd=tmp_path, environ={"PYTHONPATH": path})
    assert done.returncode == 2
    assert "models.m.guards.scope." in done.stderr
    assert told in done.stderr


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
