"""Installs what Penstock is measured against, on demand, each into its own folder, at pinned versions.

Ordinary package clients with their configured sources: uv, npm and, where we are root, apt.
"""

import importlib.metadata
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.processes import Unavailable

FOLDER = Path(__file__).parent / "peers"
LITELLM_VERSION = "1.106.2"
PORTKEY_VERSION = "1.15.2"
PORTKEY_HONO_VERSION = "1.14.1"
"""Its own range admits versions of @hono/node-server with which every stream answers 500 (Portkey's issue 1389)."""


def penstock_version() -> str:
    try:
        return importlib.metadata.version("penstock")
    except importlib.metadata.PackageNotFoundError as error:
        raise Unavailable("penstock is not installed in .venv: run `make install`") from error


def litellm() -> tuple[Path, str]:
    """The `litellm` executable in a virtual environment of its own."""
    home = FOLDER / "litellm"
    executable = home / "bin" / "litellm"
    if not executable.exists():
        uv = shutil.which("uv") or str(FOLDER.parent.parent / ".venv" / "bin" / "uv")
        _run([uv, "venv", "--quiet", "--python", "3.11", str(home)])
        wanted = f"litellm[proxy]=={LITELLM_VERSION}"
        _run([uv, "pip", "install", "--quiet", "--python", str(home / "bin" / "python"), wanted])
    version = _run([str(home / "bin" / "python"), "-c", "import importlib.metadata as m; print(m.version('litellm'))"])
    return executable, version.strip()


def portkey() -> tuple[Path, str]:
    """The gateway's server script, for Node."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Unavailable("Node and npm are not installed")
    home = FOLDER / "portkey"
    package = home / "node_modules" / "@portkey-ai" / "gateway"
    if not package.exists():
        home.mkdir(parents=True, exist_ok=True)
        manifest = {
            "dependencies": {"@portkey-ai/gateway": PORTKEY_VERSION},
            "overrides": {"@hono/node-server": PORTKEY_HONO_VERSION},
        }
        (home / "package.json").write_bytes(msgspec.json.encode(manifest))
        _run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(home)])
    node = _run(["node", "--version"]).strip()
    return package / "build" / "start-server.js", f"{PORTKEY_VERSION} (Node {node})"


def nginx() -> tuple[str, str]:
    path = system_tool("nginx", package="nginx-light")
    shown = subprocess.run([path, "-v"], capture_output=True, text=True, check=True).stderr
    return path, shown.strip().rpartition("/")[2]


def wrk() -> str:
    return system_tool("wrk", package="wrk")


def system_tool(name: str, *, package: str) -> str:
    """The path of `name`, installed by apt where we may.  Raises `Unavailable` with the reason otherwise."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found:
        return found
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Unavailable(f"{name} is not installed, and there is no root and apt to install it")
    _run(["apt-get", "update", "-qq"])
    _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package])
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if not found:
        raise Unavailable(f"{name} could not be installed")
    return found


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"`{command[0]}`: {error}") from error
    if done.returncode != 0:
        words = " ".join(done.stderr.split())[-300:]
        raise Unavailable(f"`{' '.join(command[:3])}` failed: {words}")
    return done.stdout
