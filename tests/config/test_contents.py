"""Whose contents are kept: nobody's by default, each by the nearest setting, and nothing that means nothing."""

import asyncio
from pathlib import Path

import pytest

from penstock.app.contents.plane import is_kept, policies_of
from penstock.app.explain import explain
from penstock.config import read
from penstock.config.types import Config
from penstock.core.errors import ConfigError


def config(tmp_path: Path, contents: str, model: str = "", more: str = "") -> Config:
    path = tmp_path / "penstock.yaml"
    own = f"    contents: {model}\n" if model else ""
    path.write_text(
        f"data_dir: {tmp_path}\n{more}contents: {contents}\n"
        f"models:\n  m:\n    targets: [{{provider: sim, model: sim}}]\n{own}"
    )
    return read(path, {})


def test_nothing_is_kept_where_nobody_asks_and_the_nearest_setting_holds(tmp_path: Path) -> None:
    assert not is_kept(config(tmp_path, "{}"))
    written = (
        "{keep: sampled, sample: 0.5, lifetime_days: 9, tenants: {acme: {keep: all, search: false}, no: {keep: none}}}"
    )
    settings = config(tmp_path, written, "{lifetime_days: 3, always: [errors]}")
    assert is_kept(settings)
    policy = policies_of(settings)
    told = {
        (model, tenant): None
        if (found := policy(model, tenant)) is None
        else (found.keep, found.always, found.lifetime_days, found.search)
        for model in ("m", "other")
        for tenant in ("acme", "no", "else")
    }
    assert told == {
        ("m", "acme"): ("all", ("errors",), 3.0, False),
        ("m", "no"): None,
        ("m", "else"): ("sampled", ("errors",), 3.0, True),
        ("other", "acme"): ("all", (), 9.0, False),
        ("other", "no"): None,
        ("other", "else"): ("sampled", (), 9.0, True),
    }
    # Only some, where the installation keeps nothing; and what a model forbids no tenant allows.
    only = policies_of(config(tmp_path, "{tenants: {acme: {keep: all}}}", "{keep: none}"))
    assert [only("m", "acme"), only("other", "else")] == [None, None]
    assert only("other", "acme") is not None


@pytest.mark.parametrize(
    ("contents", "model", "path"),
    [
        ("{keep: some}", "", "contents.keep"),
        ("{keep: all, sample: 2}", "", "contents.sample"),
        ("{keep: sampled, sample: 0}", "", "contents.sample"),
        ("{keep: none, always: [errors]}", "", "contents.always"),
        ("{keep: sampled, always: [errors, errors]}", "", "contents.always"),
        ("{keep: all, always: [slow]}", "", "contents.always"),
        ("{keep: all, lifetime_days: 0}", "", "contents.lifetime_days"),
        ("{keep: all, most_bytes: 10}", "", "contents.most_bytes"),
        ("{}", "{lifetime_days: 3}", "models.m.contents.keep"),
        ("{keep: all}", "{keep: none, always: [held]}", "models.m.contents.always"),
        ("{tenants: {acme: {sample: 0.5}}}", "", "contents.tenants.acme.keep"),
        ("{keep: all, tenants: {acme: {kept: none}}}", "", "contents.tenants.acme.kept"),
    ],
)
def test_what_would_mean_nothing_refuses_to_start(tmp_path: Path, contents: str, model: str, path: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config(tmp_path, contents, model)
    assert path in str(refused.value)


def test_what_would_leave_its_region_refuses_to_start(tmp_path: Path) -> None:
    path = tmp_path / "penstock.yaml"
    target = "targets: [{provider: sim, model: sim, region: eu}], regions: [eu], contents: {keep: all}"
    path.write_text(f"region: us\nmodels: {{m: {{{target}}}}}\n")
    with pytest.raises(ConfigError) as refused:
        read(path, {})
    assert "outside of the model's regions" in str(refused.value)


def test_a_request_meets_its_stages_around_the_guards_and_last(tmp_path: Path) -> None:
    body = b'{"model": "m", "messages": [{"role": "user", "content": "hello"}]}'
    guards = "guards: {default: {personal_data: {fail: closed, names: false}}}\n"
    plain = asyncio.run(explain(config(tmp_path, "{}", more=guards), {}, body, "openai-chat"))
    keeping = asyncio.run(explain(config(tmp_path, "{keep: all}", more=guards), {}, body, "openai-chat"))
    names = [each.stage for each in keeping.stages]
    assert set(names) - {each.stage for each in plain.stages} == {"contents", "contents_asked", "contents_answered"}
    assert names.index("contents") < names.index("guards") < names.index("contents_asked") < names.index("cache")
    # The answer is noted behind all that changes it, and before values are put back.
    assert len(keeping.filters) - len(plain.filters) == 1
