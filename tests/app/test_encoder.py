"""The encoder as a configuration asks for it: opened where something needs it, refused with the place that is wrong."""

import shutil
import sys
from pathlib import Path

import pytest
from tests.encoder import foreign

from penstock.app.encoder import encoder_files, load_encoder, open_encoder
from penstock.app.guards.opening import needs_encoder as guards_need_encoder
from penstock.app.guards.opening import open_guards
from penstock.config import InvalidConfig, read
from penstock.core.errors import ConfigError
from penstock.encoder.files import MODEL, TOKENIZER, WEIGHTS_SHA256, sha256_of
from penstock.testing.clock import FakeClock


def configured(folder: Path, text: str) -> Path:
    path = folder / "penstock.yaml"
    path.write_text(text)
    return path


def test_where_nothing_needs_it_nothing_is_opened(tmp_path: Path) -> None:
    assert open_encoder(read(None, {}), needed_by=(), built=tmp_path / "nowhere") is None


def test_the_built_model_is_opened_as_configured(encoder_folder: Path, tmp_path: Path) -> None:
    config = read(configured(tmp_path, "encoder: {threads: 1, max_tokens: 64, max_waiting: 3}\n"), {})
    encoder = open_encoder(config, needed_by=("cache",), built=encoder_folder)
    assert encoder is not None
    encoder.close()
    assert (encoder.width, encoder.weights_sha256) == (384, WEIGHTS_SHA256)
    plain = load_encoder(read(None, {}), built=encoder_folder)
    plain.close()
    assert plain.identity != encoder.identity, "windows of another length are other vectors"


def test_a_model_of_ones_own_is_found_beside_the_configuration(encoder_folder: Path, tmp_path: Path) -> None:
    sha256 = sha256_of(foreign.write(tmp_path / "own.onnx"))
    (tmp_path / "own.json").write_bytes((encoder_folder / TOKENIZER).read_bytes())
    path = configured(tmp_path, f"encoder:\n  model: own.onnx\n  tokenizer: own.json\n  sha256: '{sha256}'\n")
    encoder = load_encoder(read(path, {}))
    encoder.close()
    assert (encoder.width, encoder.weights_sha256) == (foreign.WIDTH, sha256)
    assert encoder_files(read(path, {})).model == tmp_path / "own.onnx"


def test_a_file_with_another_hash_is_refused_with_its_line(encoder_folder: Path, tmp_path: Path) -> None:
    own = f"{{model: {encoder_folder / MODEL}, tokenizer: {encoder_folder / TOKENIZER}, sha256: '{'0' * 64}'}}"
    config = read(configured(tmp_path, f"sim: {{enabled: true}}\nencoder: {own}\n"), {})
    for refused in (lambda: load_encoder(config), lambda: encoder_files(config)):
        with pytest.raises(ConfigError, match=r"penstock.yaml:2: encoder.sha256: .*is another file: its sha256 is"):
            refused()


def test_without_a_built_model_it_is_said_who_needs_it_and_what_to_do(tmp_path: Path) -> None:
    config = read(configured(tmp_path, "log:\n  level: info\n"), {})
    with pytest.raises(
        ConfigError, match=r"penstock.yaml:2: log.level: it needs the encoder: .*penstock encoder build"
    ):
        open_encoder(config, needed_by=("log.level",), built=tmp_path / "nowhere")


GUARDED = """\
models:
  m:
    targets: [{provider: sim, model: sim}]
    guards:
      GUARD
"""


@pytest.mark.parametrize(
    ("guard", "named"),
    [
        ("personal_data: {fail: open}", "personal_data.names"),
        ("injection: {fail: open}", "injection.meaning"),
        ("scope: {fail: open, topics: {orders: [Where is it]}}", "scope.topics"),
    ],
)
def test_a_guard_whose_model_is_missing_or_another_refuses_the_start_even_where_it_may_fail_open(
    encoder_folder: Path, tmp_path: Path, guard: str, named: str
) -> None:
    config = read(configured(tmp_path, GUARDED.replace("GUARD", guard)), {})
    needed = guards_need_encoder(config)
    with pytest.raises(ConfigError, match=rf"models\.m\.guards\.{named}: it needs the encoder"):
        open_encoder(config, needed_by=needed, built=tmp_path / "nowhere")
    damaged = tmp_path / "damaged"
    shutil.copytree(encoder_folder, damaged)
    (damaged / MODEL).write_bytes(b"half a model")
    with pytest.raises(ConfigError, match=rf"models\.m\.guards\.{named}: it needs the encoder"):
        open_encoder(config, needed_by=needed, built=damaged)


@pytest.mark.parametrize("guard", ["personal_data: {fail: open}", "injection: {fail: open}"])
def test_a_guard_that_was_trained_on_another_encoder_refuses_the_start(
    encoder_folder: Path, tmp_path: Path, guard: str
) -> None:
    sha256 = sha256_of(foreign.write(tmp_path / "own.onnx"))
    (tmp_path / "own.json").write_bytes((encoder_folder / TOKENIZER).read_bytes())
    own = f"encoder: {{model: own.onnx, tokenizer: own.json, sha256: '{sha256}'}}\n"
    config = read(configured(tmp_path, GUARDED.replace("GUARD", guard) + own), {})
    encoder = load_encoder(config)
    with pytest.raises(ConfigError, match=r"penstock.yaml:.*another encoder"):
        open_guards(config, encoder, FakeClock())
    encoder.close()


def test_without_its_libraries_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "penstock.encoder.load", None)
    with pytest.raises(ConfigError, match=r"cache: it needs the encoder: .*pip install 'penstock\[encoder\]'"):
        open_encoder(read(None, {}), needed_by=("cache",))


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("{model: m.onnx}", {"encoder.model": 2}),
        ("{model: m.onnx, tokenizer: t.json}", {"encoder.model": 1}),
        ("{tokenizer: t.json}", {"encoder.tokenizer": 1}),
        (f"{{sha256: '{'0' * 64}'}}", {"encoder.sha256": 1}),
        ("{sha256: abc}", {"encoder.sha256": 1}),
        ("{pooling: max}", {"encoder.pooling": 1}),
        ("{max_tokens: 2}", {"encoder.max_tokens": 1}),
        ("{threads: 0}", {"encoder.threads": 1}),
    ],
)
def test_settings_that_cannot_work_are_refused(tmp_path: Path, text: str, problems: dict[str, int]) -> None:
    with pytest.raises(InvalidConfig) as caught:
        read(configured(tmp_path, f"encoder: {text}\n"), {})
    paths = [problem.path for problem in caught.value.problems]
    assert {path: paths.count(path) for path in paths} == problems
