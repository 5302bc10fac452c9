"""Deliberate faults in contents of exchanges: whose they are, that they are masked, and that none erased come back."""

from mutations.mutation import Mutation

KEPT = "tests/watch/contents/test_kept.py"
OUTBOX = "tests/watch/contents/test_outbox.py"
POLICY = "tests/config/test_contents.py"
API = "tests/console/test_contents_api.py"
SYSTEM = "tests/system/test_contents.py"
STORE = "watch/contents/store.py"
STAGE = "watch/contents/stage.py"
ROUTES = "console/contents/routes.py"

MUTATIONS = (
    Mutation(
        "contents: another tenant's are shown",
        STORE,
        " AND (%(tenants)s::text[] IS NULL OR tenant = ANY (%(tenants)s)) AND",
        " AND",
        API,
    ),
    Mutation(
        "contents: another tenant's are searched",
        ROUTES,
        "call.narrowed(wanted.tenant)",
        "wanted.tenant",
        API,
    ),
    Mutation(
        "contents: another tenant's are erased", ROUTES, "whose = call.whose(tenant)", "whose = tenant or ''", API
    ),
    Mutation(
        "contents: one tenant's marks tell of another's",
        "watch/contents/marks.py",
        "self._known[tenant] = self._keys(tenant)",
        'self._known[tenant] = self._keys("")',
        KEPT,
    ),
    Mutation(
        "contents: a row opens for another exchange",
        "watch/contents/sealing.py",
        "for each in (tenant, exchange)]",
        "for each in (tenant,)]",
        KEPT,
    ),
    Mutation("contents: what has ended is shown", STORE, " AND expires_at > %(now)s\n    ORDER", "\n    ORDER", KEPT),
    Mutation("contents: what has ended is written", STORE, "%(expires_at)s > %(now)s::float8", "true", KEPT),
    Mutation("contents: what was erased comes back", STORE, "AND e.at >= %(at)s - %(skew_s)s)", "AND false)", KEPT),
    Mutation(
        "contents: a user's erasure forbids everybody",
        STORE,
        '(e."user" IS NULL OR e."user" = %(user)s)',
        "true",
        KEPT,
    ),
    Mutation(
        "contents: an erasure does not wait for who writes",
        STORE,
        '"LOCK TABLE content_erasures IN EXCLUSIVE MODE"',
        '"LOCK TABLE content_erasures IN ROW SHARE MODE"',
        KEPT,
    ),
    Mutation("contents: what says no-store is kept", STAGE, "exchange.wishes.no_store or not", "not", SYSTEM),
    Mutation("contents: what is in no sample is kept", STAGE, " / _SHARE_OF < share", " >= 0", SYSTEM),
    Mutation(
        "contents: a none is not final",
        "config/contents/__init__.py",
        'found.keep == "none" or any(each.keep == "none" for each in said)',
        'found.keep == "none"',
        POLICY,
    ),
    Mutation(
        "contents: a model without guards is kept as it is",
        "watch/contents/content.py",
        "masked = self._mask(near)",
        "masked = near",
        SYSTEM,
    ),
    Mutation(
        "contents: half of a value stands where a text is cut",
        "watch/contents/content.py",
        "masked = masked[: max(len(masked) - _MARGIN_CHARS, 0)]",
        "masked = masked[:-1]",
        KEPT,
    ),
    Mutation(
        "contents: the answer is noted after values are put back",
        "app/guards/opening.py",
        "*self.behind, *others, self.restore)",
        "*self.behind, *others[:-1], self.restore, *others[-1:])",
        SYSTEM,
    ),
    Mutation(
        "contents: what may not rest here is kept",
        "watch/contents/stage.py",
        "        if not self._may_rest(exchange):",
        "        if False:",
        "tests/watch/contents/test_stage.py",
    ),
    Mutation(
        "contents: what one key cannot open holds up all others",
        "console/contents/keeping.py",
        "        except Unreadable as error:",
        "        except ZeroDivisionError as error:",
        OUTBOX,
    ),
    Mutation(
        "contents: what is brought is never found",
        "watch/contents/opening.py",
        "        if not row.search:",
        "        if True:",
        OUTBOX,
    ),
    Mutation(
        "contents: what is dropped is not counted",
        "watch/contents/outbox.py",
        "                self.dropped += 1\n",
        "",
        OUTBOX,
    ),
)
