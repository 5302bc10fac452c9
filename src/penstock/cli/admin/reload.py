"""`penstock reload`: have the configuration file read again, over the admin API."""

from penstock.cli.admin.api import AdminApi, AsJson, ConfigFile, DataDirPath, Url, show


def reload(url: Url = None, data_dir: DataDirPath = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Read the configuration file again and take over limits, budgets, tenants, alerts and review.

    The rest needs a restart.  A file with a mistake in it changes nothing.  The planes read the file that they were
    started with.
    """
    answer = AdminApi(url=url, data_dir=data_dir, config=config).call("POST", "/config/reload")

    def text() -> str:
        lines = [f"{answer['file'] or 'no configuration file: only the environment'} (hash {answer['config_hash']})"]
        lines += [f"  in force now     {path}" for path in answer["taken"]]
        lines += [f"  needs a restart  {path}" for path in answer["needs_restart"]]
        return "\n".join(lines if len(lines) > 1 else [*lines, "  nothing has changed"])

    show(answer, as_json=as_json, text=text)
