"""The gateways under test: how each is started, reached and told apart into processes.

All of them answer the same two things from the same two upstreams: a chat completion at once, and a paced stream.
Every gateway runs as its own documentation says, one worker each, with logging down and telemetry off.
"""

import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench import controls, peers
from bench.issuer import Issuer
from bench.payloads import CHAT_ANSWER, UPSTREAM_MODEL
from bench.processes import (
    HOST,
    Program,
    Unavailable,
    listeners,
    post,
    start,
    wait_until_answers,
)
from penstock.testing.ports import free_port

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"
PLAIN, CONTROLLED = "Penstock", "Penstock, all controls on"
OURS = (PLAIN, CONTROLLED)
_CHAT = "/v1/chat/completions"
_TENANT = "bench"
_SIGN_IN_S = 30.0
_MASTER_KEY = "sk-bench-" + secrets.token_hex(24)
"""LiteLLM starts with no weaker one."""


@dataclass(frozen=True, slots=True)
class Call:
    """How to ask one gateway for one thing."""

    port: int
    path: str
    headers: Mapping[str, str]
    model: str
    tokens: tuple[str, ...] = ()
    """Bearer tokens that take turns, each with one request, in place of the one in `headers`."""


@dataclass(frozen=True, slots=True)
class Upstreams:
    unary_port: int
    stream_port: int
    issuer: Issuer | None = None


@dataclass(slots=True)
class Gateway:
    """A started gateway.  `data_plane` are the processes that carry requests, out of all that belong to it.

    Where `stream` is None its streams are not measured.
    """

    name: str
    version: str
    program: Program
    unary: Call
    stream: Call | None
    settings: str
    ready_s: float

    def pids(self) -> list[int]:
        return self.program.pids()

    def data_plane(self) -> list[int]:
        pids = self.pids()
        return listeners(pids, self.unary.port) if self.name in OURS else pids


Starter = Callable[[Upstreams, Path], Gateway]


def headers(key: str, **more: str) -> dict[str, str]:
    extra = {name.replace("_", "-"): value for name, value in more.items()}
    return {"content-type": "application/json", "authorization": f"Bearer {key}", **extra}


def start_penstock(upstreams: Upstreams, folder: Path, source: Path | None = None) -> Gateway:
    """As in production: key check and ledger on, embedded PostgreSQL, control plane beside it.

    `source` is a `src` folder whose code runs in place of what is installed.
    """
    data = folder / "penstock"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    port, control = free_port(), free_port()
    program, ready_s = launch_penstock(upstreams, data, port=port, control=control, source=source)
    key = (data / "data" / "dev-key").read_text().strip()
    return Gateway(
        name=PLAIN,
        version=peers.penstock_version(),
        program=program,
        unary=Call(port, _CHAT, headers(key), "bench"),
        stream=Call(port, _CHAT, headers(key), "bench-stream"),
        settings="`penstock up`, one worker; key check, ledger and embedded PostgreSQL on",
        ready_s=ready_s,
    )


def start_penstock_controlled(upstreams: Upstreams, folder: Path) -> Gateway:
    """The same with every control of admission on; it counts as ready once it lets a token in."""
    issuer = upstreams.issuer
    if issuer is None:
        raise Unavailable("nobody issues tokens")
    data = folder / "penstock-controlled"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    port, control = free_port(), free_port()
    more = controls.LIMITS + controls.of_issuer(issuer, tenant=_TENANT)
    program, ready_s = launch_penstock(upstreams, data, port=port, control=control, more=more)
    tokens = issuer.tokens(controls.USERS)
    try:
        _make_tenant(data / "data", control)
        ready_s += wait_until_answers(
            program, port, "/v1/models", timeout_s=_SIGN_IN_S, headers={"authorization": f"Bearer {tokens[0]}"}
        )
    except Unavailable:
        program.stop()
        raise
    return Gateway(
        name=CONTROLLED,
        version=peers.penstock_version(),
        program=program,
        unary=Call(port, _CHAT, headers(tokens[0]), "bench", tokens),
        stream=None,
        settings=f"as Penstock, and {controls.DESCRIBED}",
        ready_s=ready_s,
    )


def _make_tenant(data: Path, control: int) -> None:
    owner = headers((data / "admin-token").read_text().strip())
    status, said = post(control, "/admin/v1/tenants", owner, msgspec.json.encode({"id": _TENANT}))
    if status != 201:
        raise Unavailable(f"no tenant could be made: {status} {said[:200].decode(errors='replace')}")


def launch_penstock(
    upstreams: Upstreams, folder: Path, *, port: int, control: int, more: str = "", source: Path | None = None
) -> tuple[Program, float]:
    """Start `penstock up` on `folder`/data and wait until both ports are ready; returns the seconds that took.

    `more` is configuration besides, `source` the `src` folder whose code runs where it is not what is installed.
    """
    config = folder / "penstock.yaml"
    config.write_text(
        f"""discover_providers: false
log: {{level: warning}}
providers:
  bench: {{vendor: openai, base_url: "http://{HOST}:{upstreams.unary_port}/v1", api_key: "env:BENCH_KEY"}}
  bench-stream: {{vendor: openai, base_url: "http://{HOST}:{upstreams.stream_port}/v1", api_key: "env:BENCH_KEY"}}
models:
  bench: {{targets: [{{provider: bench, model: {UPSTREAM_MODEL}}}]}}
  bench-stream: {{targets: [{{provider: bench-stream, model: {UPSTREAM_MODEL}}}]}}
{more}"""
    )
    executable = PYTHON.parent / "penstock"
    if not executable.exists():
        raise Unavailable("penstock is not installed in .venv: run `make install`")
    command = [executable, "up", "--data-dir", folder / "data", "--port", str(port)]
    command += ["--control-port", str(control), "--config", config]
    environ = {"BENCH_KEY": "bench-key"} | ({} if source is None else {"PYTHONPATH": str(source)})
    program = start("penstock", command, log=folder / "penstock.log", env=environ)
    try:
        seconds = wait_until_answers(program, port, "/health/ready", timeout_s=60)
        seconds += wait_until_answers(program, control, "/health/ready", timeout_s=30)
    except Unavailable:
        program.stop()
        raise
    return program, seconds


def start_litellm(upstreams: Upstreams, folder: Path) -> Gateway:
    executable, version = peers.litellm()
    port = free_port()
    config = folder / "litellm.yaml"
    config.write_text(
        f"""model_list:
  - model_name: bench
    litellm_params: {{model: openai/{UPSTREAM_MODEL}, api_base: "http://{HOST}:{upstreams.unary_port}/v1", api_key: k}}
  - model_name: bench-stream
    litellm_params: {{model: openai/{UPSTREAM_MODEL}, api_base: "http://{HOST}:{upstreams.stream_port}/v1", api_key: k}}
litellm_settings: {{telemetry: false, set_verbose: false}}
"""
    )
    command = [executable, "--config", config, "--host", HOST, "--port", str(port), "--num_workers", "1"]
    program = start(
        "litellm",
        [*command, "--telemetry", "False"],
        log=folder / "litellm.log",
        env={"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MASTER_KEY": _MASTER_KEY},
    )
    ready_s = wait_until_answers(program, port, "/health/liveliness", timeout_s=120)
    return Gateway(
        name="LiteLLM",
        version=version,
        program=program,
        unary=Call(port, _CHAT, headers(_MASTER_KEY), "bench"),
        stream=Call(port, _CHAT, headers(_MASTER_KEY), "bench-stream"),
        settings="`litellm --config`, one worker; its master key as the key check, no database, no logging",
        ready_s=ready_s,
    )


def start_portkey(upstreams: Upstreams, folder: Path) -> Gateway:
    script, version = peers.portkey()
    port = free_port()
    program = start(
        "portkey", ["node", script, f"--port={port}", "--headless"], log=folder / "portkey.log", env={"PORT": str(port)}
    )
    ready_s = wait_until_answers(program, port, "/", timeout_s=60)

    def call(upstream_port: int) -> Call:
        told = headers(
            "bench",
            x_portkey_provider="openai",
            x_portkey_custom_host=f"http://{HOST}:{upstream_port}/v1",
        )
        return Call(port, _CHAT, told, UPSTREAM_MODEL)

    return Gateway(
        name="Portkey",
        version=version,
        program=program,
        unary=call(upstreams.unary_port),
        stream=call(upstreams.stream_port),
        settings="`@portkey-ai/gateway` on Node, headless; no key check, no database",
        ready_s=ready_s,
    )


def start_nginx(upstreams: Upstreams, folder: Path) -> Gateway:
    executable, version = peers.nginx()
    port = free_port()
    config = write_nginx_config(
        folder / "nginx-proxy",
        f"""
    upstream unary {{ server {HOST}:{upstreams.unary_port}; keepalive 128; keepalive_requests 1000000000; }}
    upstream paced {{ server {HOST}:{upstreams.stream_port}; keepalive 1024; keepalive_requests 1000000000; }}
    server {{
        listen {HOST}:{port} backlog=4096;
        location = /health {{ return 200 ok; }}
        location /v1/ {{ proxy_pass http://unary/v1/; }}
        location /paced/v1/ {{ proxy_pass http://paced/v1/; proxy_buffering off; }}
        proxy_http_version 1.1;
        proxy_set_header Connection "";
    }}
""",
    )
    program = start("nginx", [executable, "-c", config], log=folder / "nginx.log")
    ready_s = wait_until_answers(program, port, "/health", timeout_s=10)
    return Gateway(
        name="nginx",
        version=version,
        program=program,
        unary=Call(port, _CHAT, headers("bench"), UPSTREAM_MODEL),
        stream=Call(port, f"/paced{_CHAT}", headers("bench"), UPSTREAM_MODEL),
        settings="`proxy_pass` with keep-alive, two workers: no gateway, the floor of what a hop costs",
        ready_s=ready_s,
    )


STARTERS: Mapping[str, Starter] = {
    "penstock": start_penstock,
    "controls": start_penstock_controlled,
    "litellm": start_litellm,
    "portkey": start_portkey,
    "nginx": start_nginx,
}


def write_nginx_config(folder: Path, servers: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "nginx.conf"
    temporary = "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi"))
    config.write_text(
        f"""daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
    client_body_buffer_size 64k;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{temporary}{servers}}}
"""
    )
    return config


def start_unary_upstream(folder: Path, port: int) -> Program:
    """nginx answering every POST with the same chat completion: cheaper than anything that it feeds."""
    try:
        executable, _ = peers.nginx()
    except Unavailable:
        return _start_plain_upstream(folder, port)
    body = CHAT_ANSWER.decode().replace("'", "\\'")
    config = write_nginx_config(
        folder / "nginx-upstream",
        f"""
    server {{
        listen {HOST}:{port} backlog=4096;
        default_type application/json;
        add_header x-request-id req_bench;
        location = /health {{ return 200 ok; }}
        location / {{ return 200 '{body}'; }}
    }}
""",
    )
    program = start("upstream", [executable, "-c", config], log=folder / "upstream.log")
    wait_until_answers(program, port, "/health", timeout_s=10)
    return program


def _start_plain_upstream(folder: Path, port: int) -> Program:
    program = start(
        "upstream",
        [PYTHON, "-m", "bench.unary_upstream", str(port)],
        log=folder / "upstream.log",
        env={"PYTHONPATH": str(ROOT)},
    )
    wait_until_answers(program, port, "/health", timeout_s=10)
    return program


def start_stream_upstream(folder: Path, port: int) -> Program:
    program = start(
        "stream upstream",
        [PYTHON, "-m", "bench.stream_upstream", str(port)],
        log=folder / "stream-upstream.log",
        env={"PYTHONPATH": str(ROOT)},
    )
    wait_until_answers(program, port, "/health", timeout_s=10)
    return program
