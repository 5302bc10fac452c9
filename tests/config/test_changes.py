"""What of a changed file is taken over, and what is named as in need of a restart."""

from pathlib import Path

from penstock.config import Config, read
from penstock.config.reload.changes import LIVE, adopt

ONE = """
server: {port: 9000}
providers: {a: {vendor: custom, dialect: openai-chat, base_url: "http://a/v1", api_key: env:KEY}}
models: {fast: {targets: [{provider: a, model: m}]}}
limits:
  - {name: rpm, unit: requests, amount: 5, per: minute}
  - {name: tpm, unit: tokens, amount: 500, per: minute}
tenants: {acme: {time_zone: Europe/Berlin}}
"""


def written(folder: Path, text: str, **environ: str) -> Config:
    path = folder / "penstock.yaml"
    path.write_text(text)
    return read(path, {"KEY": "sk-1", **environ})


def test_the_same_file_changes_nothing(tmp_path: Path) -> None:
    running = written(tmp_path, ONE)
    adoption = adopt(running, written(tmp_path, "# a comment\n" + ONE))
    assert (adoption.taken, adoption.needs_restart) == ((), ())
    assert adoption.config.config_hash == running.config_hash


def test_each_thing_that_differs_is_named_on_its_side(tmp_path: Path) -> None:
    running = written(tmp_path, ONE)
    text = (
        ONE.replace("amount: 5,", "amount: 6,")
        .replace("port: 9000", "port: 9001")
        .replace("Europe/Berlin", "Asia/Tokyo")
        .replace("  - {name: tpm, unit: tokens, amount: 500, per: minute}\n", "")
        .replace("model: m}]", "model: m}, {provider: a, model: n}]")
    )
    adoption = adopt(running, written(tmp_path, text + "budgets: [{name: b, per: day, hard_usd: 1}]\n"))
    assert adoption.taken == ("tenants.acme.time_zone", "limits.rpm.amount", "limits.tpm", "budgets.b")
    assert adoption.needs_restart == ("server.port", "models.fast.targets")


def test_what_is_in_force_is_the_old_configuration_with_the_live_sections_of_the_new_one(tmp_path: Path) -> None:
    running = written(tmp_path, ONE)
    new = written(tmp_path, ONE.replace("amount: 5,", "amount: 6,").replace("port: 9000", "port: 9001"))
    mixed = adopt(running, new).config
    assert mixed.server == running.server
    assert all(getattr(mixed, name) == getattr(new, name) for name in LIVE)
    assert mixed.config_hash not in (running.config_hash, new.config_hash)
    assert mixed.config_hash == written(tmp_path, ONE.replace("amount: 5,", "amount: 6,")).config_hash
    again = adopt(mixed, new)
    assert (again.taken, again.needs_restart) == ((), ("server.port",))


def test_a_secret_that_changed_behind_its_reference_is_seen_and_not_shown(tmp_path: Path) -> None:
    running = written(tmp_path, ONE)
    adoption = adopt(running, written(tmp_path, ONE, KEY="sk-2"))
    assert adoption.needs_restart == ("providers.a.api_key",)


def test_another_order_is_a_change_too(tmp_path: Path) -> None:
    running = written(tmp_path, ONE)
    lines = ONE.splitlines()
    first, second = (place for place, line in enumerate(lines) if line.startswith("  - "))
    lines[first], lines[second] = lines[second], lines[first]
    assert adopt(running, written(tmp_path, "\n".join(lines))).taken == ("limits",)
