"""The configuration: what is wrong is named with its line, all at once; what is right is read whole."""

from decimal import Decimal
from pathlib import Path
from textwrap import dedent

import pytest

from penstock.config import Config, InvalidConfig, read
from penstock.config.digest import redacted


def write(folder: Path, text: str) -> Path:
    path = folder / "penstock.yaml"
    path.write_text(dedent(text))
    return path


def problems(path: Path | None, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(InvalidConfig) as caught:
        read(path, environ or {})
    return [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems]


def test_no_file_and_no_environment_give_working_defaults() -> None:
    config = read(None, {})
    assert (config.server.host, config.server.port, config.control.port) == ("127.0.0.1", 8080, 8081)
    assert config.data_dir == ".penstock"
    assert config.database_url is None
    assert config.keys.dev_key


def test_an_empty_file_is_no_configuration_at_all(tmp_path: Path) -> None:
    assert read(write(tmp_path, "# nothing yet\n"), {}).server == Config().server


TARGET = "targets: [{provider: sim, model: sim}]"
TARGET_IN_EU = "targets: [{provider: sim, model: sim, region: eu}]"


def summed_up(by: str, *, regions: str = "[]", budget: str = "keep_share: 0.5") -> str:
    """A model whose prompts `by` sums up; `dear` is in `eu`, what a budget may put in its place is not."""
    model = f"m: {{regions: {regions}, compaction: {{{budget}, summaries: {{model: {by}}}}}, {TARGET_IN_EU}}}"
    return f"region: eu\nmodels: {{{model}, lit: {{{TARGET}}}, dear: {{{TARGET_IN_EU}, cheaper: lit}}}}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("server: {prot: 80}", "1: server.prot: unknown setting (did you mean `port`?)"),
        ("sevrer: {}", "1: sevrer: unknown setting (did you mean `server`?)"),
        ("\nserver:\n  port: eighty", "3: server.port: expected `int`, got `str`"),
        ("server: {port: 0}", "1: server.port: expected `int` >= 1"),
        ("server: {port: 8080.5}", "1: server.port: expected `int`, got `float`"),
        ("server: 8080", "1: server: expected a mapping, got 8080"),
        ("server: {deadline_s: .inf}", "1: server.deadline_s: expected a finite number, got inf"),
        ("server: {on_client_gone: drian}", "did you mean `drain`?"),
        ("models: {m: {targets: {}}}", "1: models.m.targets: expected a list, got a mapping"),
        ("models: {m: {targets: []}}", "1: models.m.targets: a model needs at least one target"),
        (f"models: {{m: {{{TARGET}, balanced: true}}}}", "1: models.m.balanced: there is only one target"),
        (f"models: {{m: {{{TARGET}, cheaper: m}}}}", "1: models.m.cheaper: it names no other model"),
        (f"models: {{m: {{{TARGET}, cheaper: lite}}, lit: {{{TARGET}}}}}", "did you mean `lit`?"),
        (f"models: {{m: {{{TARGET}, fallbacks: [{{on: [], answer: a}}]}}}}", "fallbacks.0.on: it names no cause"),
        (f"models: {{m: {{{TARGET}, fallbacks: [{{on: [down]}}]}}}}", "fallbacks.0: it needs either"),
        (f"models: {{m: {{{TARGET}, fallbacks: [{{on: [down], answer: a, {TARGET}}}]}}}}", "it needs either"),
        (f"models: {{m: {{{TARGET}, fallbacks: [{{on: [down], answer: ' '}}]}}}}", "an answer without a word is none"),
        (
            f"models: {{m: {{{TARGET}, fallbacks: [{{on: [down], answer: a}}, {{on: [down], {TARGET}}}]}}}}",
            "fallbacks.1: it would never be taken",
        ),
        (f"models: {{m: {{{TARGET}, fallbacks: [{{on: [dawn], answer: a}}]}}}}", "did you mean `down`?"),
        ("models:\n  m:\n    targets:\n      - provider: a", "4: models.m.targets.0.model: it is required"),
        ("models: {'a b': {targets: [{provider: a, model: b}]}}", "a model name has no spaces"),
        ("log: {level: info}\nlog: {level: debug}", "2: log: it is set twice, first on line 1"),
        ("server:\n  port: 1\n  host: a\n  port: 2", "4: server.port: it is set twice, first on line 2"),
        ("server: {port: 9}\ncontrol: {port: 9}", "2: control.port: it is the data plane's port too (9)"),
        ("a: [", "1: not YAML:"),
        ("- a", "1: expected a mapping of settings"),
        ("data_dir: !!python/object:os.system x", "1: data_dir: the tag"),
        ("? [a]\n: b", "1: a key must be a plain text"),
        ("providers: {sim: {vendor: openai}}", "this name belongs to the built-in scripted provider"),
        ("providers: {a/b: {vendor: openai}}", "a provider's name has letters"),
        ("providers: {a: {}}", "1: providers.a.vendor: it is required"),
        ("providers: {a: {vendor: v, dialect: openai}}", "(did you mean `openai-chat`?)"),
        ("providers: {a: {vendor: v, base_url: 'ftp://x'}}", "1: providers.a.base_url: it must begin with http://"),
        ("providers: {a: {vendor: v, base_url: 'http://u:p@x'}}", "a credential never stands in a URL"),
        ("providers: {a: {vendor: v, headers: {'x y': z}}}", "it is not a header name"),
        ("providers: {a: {vendor: v, prices: {m: {input_usd_per_million: 1}}}}", "output_usd_per_million: it is requ"),
        (
            summed_up("lite"),
            "2: models.m.compaction.summaries.model: it names no model of `models` (did you mean `lit`?)",
        ),
        (summed_up("m"), "2: models.m.compaction.summaries.model: it has its own prompts summed up by a model"),
        (summed_up("lit", regions="[eu]"), "summaries.model: a step of it is outside of the model's regions"),
        (summed_up("dear", regions="[eu]"), "summaries.model: a step of it is outside of the model's regions"),
        (summed_up("lit", budget="keep_last: 1"), "compaction.summaries: without `budget_tokens` or `keep_share`"),
        (summed_up("lit", budget="budget_tokens: 400"), "max_tokens: a summary must be shorter than the budget (400)"),
        ("database_url: mysql://h/d", "1: database_url: it must begin with postgresql://"),
    ],
)
def test_a_problem_is_named_with_its_line_and_path(tmp_path: Path, text: str, expected: str) -> None:
    found = problems(write(tmp_path, text))
    assert any(expected in problem for problem in found), found


def test_every_problem_is_reported_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """\
        server: {prot: 1, max_in_flight: two}
        providers:
          a:
            vendor: openai
            api_key: sk-in-plain-sight
            prices:
              m: {input_usd_per_million: -1, output_usd_per_million: 2}
        models:
          m: {targets: []}
        """,
    )
    assert [problem.split(": ")[1] for problem in problems(path)] == [
        "server.prot",
        "server.max_in_flight",
        "providers.a.api_key",
        "providers.a.prices.m.input_usd_per_million",
        "models.m.targets",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("providers: {a: {vendor: v, api_key: sk-123}}", "a secret is never written out"),
        ("providers: {a: {vendor: v, headers: {Authorization: Bearer x}}}", "a secret is never written out"),
        ("database_url: postgresql://u:hunter2@h/d", "a password is never written out"),
        ("database_url: postgresql://h/d?password=hunter2", "a password is never written out"),
        ("providers: {a: {vendor: v, api_key: 'env:NOT_THERE'}}", "the environment variable NOT_THERE is not set"),
        ("providers: {a: {vendor: v, api_key: 'env:EMPTY'}}", "the environment variable EMPTY is empty"),
        ("providers: {a: {vendor: v, api_key: 'file:nowhere'}}", "nowhere: No such file or directory"),
    ],
)
def test_a_secret_that_is_written_out_or_missing_refuses_to_start(tmp_path: Path, text: str, expected: str) -> None:
    (problem,) = problems(write(tmp_path, text), {"EMPTY": ""})
    assert expected in problem
    assert "sk-123" not in problem
    assert "hunter2" not in problem


def test_secrets_are_taken_from_the_environment_and_from_files_beside_the_config(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-file\n")
    path = write(
        tmp_path,
        """\
        database_url: env:DB
        providers:
          a: {vendor: v, api_key: env:KEY}
          b: {vendor: v, api_key: file:key, headers: {x-team: search}}
        """,
    )
    config = read(path, {"KEY": "from-env", "DB": "postgresql://u:hunter2@h/d"})
    a, b = config.providers["a"], config.providers["b"]
    assert a.api_key is not None
    assert b.api_key is not None
    assert (a.api_key.reveal(), b.api_key.reveal()) == ("from-env", "from-file")
    assert b.headers["x-team"].reveal() == "search"
    assert config.database_url is not None
    assert config.database_url.reveal() == "postgresql://u:hunter2@h/d"
    shown = repr(config) + repr(redacted(config))
    assert not any(secret in shown for secret in ("from-env", "from-file", "hunter2"))


def test_the_environment_overrides_the_file_and_keeps_the_rest(tmp_path: Path) -> None:
    path = write(tmp_path, "server: {port: 1000, host: 0.0.0.0}\nmodels: {my-model.x: {targets: []}}")
    config = read(
        path,
        {
            "PENSTOCK__SERVER__PORT": "2000",
            "PENSTOCK__KEYS__DEV_KEY": "no",
            "PENSTOCK__CONTROL__HOST": "10",
            "PENSTOCK__MODELS__MY_MODEL_X__TARGETS": "[{provider: sim, model: sim}]",
            "PENSTOCK_CONFIG": "elsewhere",
        },
    )
    assert (config.server.port, config.server.host) == (2000, "0.0.0.0")  # noqa: S104 - only read
    assert config.control.host == "10"
    assert not config.keys.dev_key
    assert config.models["my-model.x"].targets[0].provider == "sim"


def test_a_problem_in_the_environment_names_its_variable() -> None:
    assert problems(None, {"PENSTOCK__SERVER__POTR": "1", "PENSTOCK__SERVER__MAX_IN_FLIGHT": "many"}) == [
        "PENSTOCK__SERVER__POTR: server.potr: unknown setting (did you mean `port`?)",
        "PENSTOCK__SERVER__MAX_IN_FLIGHT: server.max_in_flight: expected `int`, got `str`",
    ]


def test_anchors_and_merge_keys_are_understood_and_keep_their_lines(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """\
        providers:
          a: &shared
            vendor: openai
            timeouts: {connect_s: 1}
          b:
            <<: *shared
            vendor: groq
        """,
    )
    config = read(path, {})
    assert config.providers["b"].timeouts.connect_s == 1.0
    assert config.providers["b"].vendor == "groq"
    assert "penstock.yaml:7: providers.b.vendor: no" in str(config.problem("providers.b.vendor", "no"))


def test_a_small_file_that_unfolds_into_a_large_one_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert any("unfolds into too many values" in problem for problem in problems(write(tmp_path, "\n".join(lines))))


def test_a_file_that_contains_itself_is_refused(tmp_path: Path) -> None:
    assert any("unfolds" in problem for problem in problems(write(tmp_path, "models: &m {x: *m}")))


def test_a_file_beyond_the_size_bound_is_not_read(tmp_path: Path) -> None:
    assert "larger than" in problems(write(tmp_path, "# " + "x" * (1024 * 1024)))[0]


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path / "nowhere.yaml")
    assert problem.endswith("cannot read it: No such file or directory")


def test_prices_are_exact_decimals(tmp_path: Path) -> None:
    text = "providers: {a: {vendor: v, prices: {m: {input_usd_per_million: 0.15, output_usd_per_million: '0.6'}}}}"
    price = read(write(tmp_path, text), {}).providers["a"].prices["m"]
    assert (price.input_usd_per_million, price.output_usd_per_million) == (Decimal("0.15"), Decimal("0.6"))


def test_the_hash_ignores_layout_and_secrets_and_sees_every_setting(tmp_path: Path) -> None:
    first = read(write(tmp_path, "providers: {a: {vendor: v, api_key: env:K}}\nserver: {port: 80}"), {"K": "one"})
    second = read(write(tmp_path, "server:\n  port: 80\nproviders: {a: {api_key: env:K, vendor: v}}"), {"K": "two"})
    third = read(write(tmp_path, "server: {port: 81}\nproviders: {a: {api_key: env:K, vendor: v}}"), {"K": "two"})
    assert first.config_hash == second.config_hash
    assert first.config_hash != third.config_hash
    assert len(first.config_hash) == 16


def test_a_problem_found_later_points_at_the_nearest_line(tmp_path: Path) -> None:
    config = read(write(tmp_path, "models:\n  m:\n    targets: [{provider: a, model: b}]"), {})
    assert "yaml:3: models.m.targets.0.provider: no" in str(config.problem("models.m.targets.0.provider", "no"))
    assert "yaml:2: models.m.max_attempts: no" in str(config.problem("models.m.max_attempts", "no"))


def test_off_is_a_word_where_a_word_is_wanted_and_no_where_yes_or_no_is(tmp_path: Path) -> None:
    path = tmp_path / "penstock.yaml"
    path.write_text(
        "keys: {dev_key: off}\n"
        "models:\n"
        "  m:\n"
        "    targets: [{provider: sim, model: sim}]\n"
        "    guards: {scope: {fail: open, mode: off, languages: [no, de]}}\n"
    )
    config = read(path, {})
    guards = config.models["m"].guards
    assert guards is not None
    assert guards.scope is not None
    assert (guards.scope.mode, guards.scope.languages, config.keys.dev_key) == ("off", ("no", "de"), False)
