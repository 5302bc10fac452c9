"""Deliberate faults in the web console: who gets in, and what a spreadsheet or another site can do."""

from mutations.mutation import Mutation

PARTS = "tests/console/web/test_parts.py"
SIGN_IN = "tests/console/web/test_sign_in.py"
EXCHANGES = "tests/console/web/test_exchanges.py"
OVERVIEW = "tests/console/web/test_overview.py"
PLAYGROUND = "tests/console/web/test_playground.py"
QUALITY = "tests/console/web/test_quality.py"
SECURITY = "tests/console/web/test_security.py"
QUALITY_API = "tests/console/test_quality_api.py"
DRIFT_API = "tests/console/test_drift_api.py"
TABLES = "tests/console/web/test_tables.py"
SAID = "tests/console/web/test_said.py"

MUTATIONS = (
    Mutation(
        "a session never ends",
        "console/web/session/store.py",
        "if is_idle or now - session.began_s >= self._settings.session_max_s:",
        "if False:",
        PARTS,
    ),
    Mutation(
        "a session in use never grows too old",
        "console/web/session/store.py",
        "if is_idle or now - session.began_s >= self._settings.session_max_s:",
        "if is_idle:",
        PARTS,
    ),
    Mutation(
        "a cell is left a formula",
        "console/web/layout/parts/csv_file.py",
        'return f"\'{text}" if text.startswith(_STARTS) else text',
        "return text",
        PARTS,
    ),
    Mutation(
        "the session before sign-in goes on",
        "console/web/session/routes.py",
        "        if old is not None:\n            self.sessions.end(old)\n",
        "",
        SIGN_IN,
    ),
    Mutation(
        "another site may post and open sockets",
        "console/web/gate.py",
        'if not self._origin.is_own(scope) or (".." in path):',
        'if ".." in path:',
        SIGN_IN,
    ),
    Mutation(
        "an ID token of another sign-in is taken",
        "console/web/session/routes.py",
        "if nonce is not None and nonce_of(credential) != nonce:",
        "if False:",
        SIGN_IN,
    ),
    Mutation(
        "an issuer's answer counts for any state",
        "console/web/session/flows.py",
        "if flow is None or state is None or not compare_digest(flow.state.encode(),",
        "if flow is None or state is None or not compare_digest(state.encode(),",
        PARTS,
    ),
    Mutation(
        "strangers get scripts and sockets",
        "console/web/gate.py",
        "session = self._session(scope)\n        if session is None:",
        "session = self._session(scope)\n        if session is None and '_nicegui' not in path:",
        SIGN_IN,
    ),
    Mutation(
        "failed tries are not counted",
        "console/web/session/routes.py",
        "        self.tries.failed(_address(request))\n",
        "",
        SIGN_IN,
    ),
    Mutation(
        "a key made for the playground outlives its page",
        "console/web/pages/playground/page.py",
        "        await self._credential.revoke()\n\n    def _come",
        "\n    def _come",
        PLAYGROUND,
    ),
    Mutation(
        "the playground goes on asking when nobody listens",
        "console/web/pages/playground/asking.py",
        "self._socket.shutdown(socket.SHUT_RDWR)",
        "pass",
        PLAYGROUND,
    ),
    Mutation(
        "times of unequal length are compared as they are",
        "console/web/pages/overview/drawing.py",
        "(speed if is_total else 1.0)",
        "1.0",
        OVERVIEW,
    ),
    Mutation(
        "the fields of an amount are asked for as dollars",
        "console/web/pages/exchanges/choice.py",
        "int(Decimal(self.values[name]) * NANO)",
        "int(Decimal(self.values[name]))",
        EXCHANGES,
    ),
    Mutation(
        "drift of all tenants is shown to roles within one",
        "admission/identity/roles.py",
        '        "targets.write",\n        "drift.read",\n        "tenants.write",',
        '        "targets.write",\n        "tenants.write",',
        DRIFT_API,
    ),
    Mutation(
        "every tenant is shown what the judge costs",
        "console/quality/looked_at.py",
        "judge=await _judge(plane, question) if call.scope is None else None",
        "judge=await _judge(plane, question)",
        QUALITY_API,
    ),
    Mutation(
        "before a change and after it are taken for each other",
        "console/drift/findings.py",
        "for each in (before, after)]",
        "for each in (after, before)]",
        DRIFT_API,
    ),
    Mutation(
        "what a shadow found leads to what was stopped",
        "console/web/pages/security.py",
        'shadow = "shadow:" if line["mode"] == "shadow" else ""',
        'shadow = ""',
        SECURITY,
    ),
    Mutation(
        "figures are shown once and never again",
        "console/web/layout/parts/figured.py",
        "self._region = Region(self._view, self._read, self._show, every_s=self._every_s)",
        "self._region = Region(self._view, self._read, self._show)",
        QUALITY,
    ),
    Mutation(
        "contents: who sees the ledger reads what was said",
        "console/contents/routes.py",
        '@router.get("/{exchange}", openapi_extra=needs("prompts.read")',
        '@router.get("/{exchange}", openapi_extra=needs("ledger.read")',
        "tests/console/test_contents_api.py",
    ),
    Mutation(
        "contents: the page offers what was said to everybody",
        "console/web/pages/exchanges/said.py",
        'may = view.who.may("prompts.read")',
        "may = True",
        f"{SAID}::test_who_may_not_read_what_was_said_sees_and_can_do_nothing",
    ),
    Mutation(
        "contents: an address alone searches what was said",
        "console/web/pages/exchanges/listing.py",
        "            if not self._is_pressed:\n                return",
        "            if False:\n                return",
        f"{SAID}::test_a_search_waits_for_a_press_and_goes_on_page_by_page",
    ),
    Mutation(
        "an exchange is asked again without its earlier turns",
        "console/web/pages/playground/page.py",
        "earlier=() if self._replay is None else self._replay.earlier",
        "earlier=()",
        f"{SAID}::test_an_exchange_is_asked_again_as_it_was_beside_another_target",
    ),
    Mutation(
        "what is typed is gone once the page changes",
        "console/web/layout/parts/fields.py",
        "defaultValue=value, aria_label",
        "value=value, aria_label",
        f"{TABLES}::test_what_is_typed_stays_while_the_page_changes",
    ),
)
