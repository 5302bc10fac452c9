"""Traces: what is sent, to whom it belongs, and what a collector may hold up."""

from mutations.mutation import Mutation

SPANS = "tests/watch/traces/test_spans.py"
SAMPLING = "tests/watch/traces/test_sampling.py"
EXPORT = "tests/watch/traces/test_export.py"

MUTATIONS = (
    Mutation(
        "what a provider wrote leaves with a trace",
        "watch/traces/reading.py",
        '("target", "code"),\n    "attempt_succeeded"',
        '("target", "code", "detail"),\n    "attempt_succeeded"',
        SPANS,
    ),
    Mutation(
        "a model's name leaves with a trace whatever a caller wrote there",
        "watch/traces/reading.py",
        "return text if _MODEL.match(text) else OTHER",
        "return text",
        SPANS,
    ),
    Mutation(
        "a name that is no model leaves with a trace",
        "watch/traces/spans.py",
        'record.outcome_code != "unknown_model"',
        "True",
        SPANS,
    ),
    Mutation(
        "every field of a fact leaves with a trace",
        "watch/traces/reading.py",
        "elif name in texts:",
        "else:",
        SPANS,
    ),
    Mutation(
        "what further calls used is counted twice in a trace",
        "watch/traces/spans.py",
        "if isinstance(fact, ExtraCallBilled)]",
        "if False]",
        SPANS,
    ),
    Mutation(
        "a span leaves its parent where the clock was set",
        "watch/traces/spans.py",
        "min(max(at_s, 0.0), self.record.duration_s)",
        "at_s",
        SPANS,
    ),
    Mutation(
        "errors are traced by their share only",
        "watch/traces/sampling.py",
        "if head.outcome not in _ORDINARY:",
        "if head.outcome not in _ORDINARY and self.is_in_share(trace_id(head.id)):",
        SAMPLING,
    ),
    Mutation(
        "the share is decided by other bits than OpenTelemetry's",
        "watch/traces/sampling.py",
        "of[-(_RANDOM_BITS // 8) :]",
        "of[: _RANDOM_BITS // 8]",
        SAMPLING,
    ),
    Mutation(
        "traces that wait for a collector grow without end",
        "watch/traces/waiting.py",
        "while len(self) > self._most or self._bytes > self._most_bytes:",
        "while False:",
        EXPORT,
    ),
    Mutation(
        "an error's trace goes before an ordinary one",
        "watch/traces/waiting.py",
        "else (self._ordinary, self._wanted)",
        "else (self._wanted, self._ordinary)",
        EXPORT,
    ),
    Mutation(
        "what a collector refused for good is sent for ever",
        "watch/traces/sending.py",
        "posted.status in _AGAIN",
        "True",
        EXPORT,
    ),
    Mutation(
        "traces that were dropped are not counted",
        "watch/traces/counts.py",
        "self.dropped[reason] += count",
        "pass",
        EXPORT,
    ),
    Mutation(
        "a record that the database refused is traced",
        "watch/ship.py",
        """        except RowsRefused as error:
            if len(rows) == 1:
""",
        """        except RowsRefused as error:
            if len(rows) == 1:
                if self._told is not None:
                    self._told([rows[0][1].payload])
""",
        EXPORT,
    ),
    Mutation(
        "a collector's certificate is not checked by the authority that is named",
        "watch/posting.py",
        "cafile=self._way.ca_file",
        "cafile=None",
        EXPORT,
    ),
)
