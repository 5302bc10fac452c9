"""`penstock encoder` as a shell sees it."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from penstock.encoder.files import MODEL, TOKENIZER, sha256_of


def penstock(*arguments: str, cwd: Path, prefix: Path | None = None) -> subprocess.CompletedProcess[str]:
    """With `prefix`, as an environment whose own folder that is: there the built model lies."""
    code = "from penstock.cli import main; main()"
    if prefix is not None:
        code = f"import sys; import penstock.encoder.files; sys.prefix = {str(prefix)!r}; {code}"
    return subprocess.run(
        [sys.executable, "-c", code, "encoder", *arguments],
        cwd=cwd,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.fixture
def built(encoder_folder: Path, tmp_path: Path) -> Path:
    """An environment of its own with the model in it."""
    folder = tmp_path / "environment" / "share" / "penstock" / "encoder"
    folder.mkdir(parents=True)
    for path in encoder_folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return tmp_path / "environment"


def test_check_reads_a_few_texts_and_info_says_what_it_is(built: Path, tmp_path: Path) -> None:
    checked = penstock("check", cwd=tmp_path, prefix=built)
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.startswith("OK: ")
    told = penstock("info", cwd=tmp_path, prefix=built)
    assert told.returncode == 0, told.stderr
    lines = dict(line.split(maxsplit=1) for line in told.stdout.splitlines())
    assert lines["identity"] == checked.stdout.splitlines()[0].removeprefix("OK: ")
    assert lines["windows"] == "8 of 256 tokens"
    assert str(built) in lines["model"]


def test_a_damaged_model_is_refused_and_built_again(built: Path, tmp_path: Path) -> None:
    model = built / "share" / "penstock" / "encoder" / MODEL
    whole = model.read_bytes()
    model.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    refused = penstock("check", cwd=tmp_path, prefix=built)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: ")
    assert "is damaged, its hash is not that of its manifest: build it with: penstock encoder build" in refused.stderr
    done = penstock("build", cwd=tmp_path, prefix=built)
    assert done.returncode == 0, done.stderr
    assert "reducing it to 8 bits" in done.stderr
    assert model.read_bytes() == whole
    again = penstock("build", cwd=tmp_path, prefix=built)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.startswith("The encoder is there: ")


def test_a_missing_model_is_refused_with_what_to_do(tmp_path: Path) -> None:
    for command in ("check", "info"):
        refused = penstock(command, cwd=tmp_path, prefix=tmp_path / "bare")
        assert refused.returncode == 2
        assert refused.stderr.startswith(f"error: there is no encoder in {tmp_path / 'bare'}")
        assert refused.stderr.endswith("build it with: penstock encoder build\n")


def test_a_model_and_a_tokenizer_that_do_not_belong_together_are_found_out(built: Path, tmp_path: Path) -> None:
    folder = built / "share" / "penstock" / "encoder"
    # The same words, numbered otherwise: it loads, and reads nonsense.
    words = msgspec.json.decode((folder / TOKENIZER).read_bytes())
    numbers = words["model"]["vocab"]
    for one, other in (("want", "weather"), ("my", "is"), ("money", "fine"), ("back", "today")):
        numbers[one], numbers[other] = numbers[other], numbers[one]
    (tmp_path / "other.json").write_bytes(msgspec.json.encode(words))
    (tmp_path / "penstock.yaml").write_text(
        f"encoder: {{model: {folder / MODEL}, tokenizer: other.json, sha256: {sha256_of(folder / MODEL)}}}\n"
    )
    assert penstock("info", cwd=tmp_path).returncode == 0
    checked = penstock("check", cwd=tmp_path)
    assert (checked.returncode, "do not belong together" in checked.stderr) == (2, True), checked.stdout
