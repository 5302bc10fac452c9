"""Deliberate faults in reports, in the live view, and in what Prometheus is told of figures."""

from mutations.mutation import Mutation

REPORT = "tests/cli/report/test_report.py"
TOP = "tests/cli/report/test_top.py"
PROMETHEUS = "tests/watch/dashboards/test_prometheus.py"

MUTATIONS = (
    Mutation(
        "report: months are UTC's",
        "cli/report/gather.py",
        '"zone": self._wanted.zone.key',
        '"zone": "UTC"',
        REPORT,
    ),
    Mutation(
        "report: names are markup",
        "watch/report/html.py",
        "{escape(cell.text)}{bar}",
        "{cell.text}{bar}",
        REPORT,
    ),
    Mutation(
        "report: control characters of names are kept",
        "watch/report/written.py",
        "each if each.isprintable() else",
        "each if each else",
        REPORT,
    ),
    Mutation(
        "report: what nobody knows is nothing",
        "watch/report/content.py",
        'least = written.AT_LEAST if name == "cost_nanousd"',
        'least = "" if name == "cost_nanousd"',
        REPORT,
    ),
    Mutation(
        "report: what was blocked is not told",
        "cli/report/gather.py",
        '    "found:",\n',
        "",
        REPORT,
    ),
    Mutation(
        "report: everybody's month",
        "cli/report/gather.py",
        '"tenant": self._wanted.tenant}',
        '"tenant": None}',
        REPORT,
    ),
    Mutation("top: names are commands of a terminal", "cli/top/screen.py", "Text(name),", "name,", TOP),
    Mutation(
        "prometheus: what keeping prompts cost is forgotten",
        "watch/savings.py",
        "max(-amount, 0)",
        "0",
        PROMETHEUS,
    ),
    Mutation(
        "prometheus: what never happened is missing",
        "watch/figures/promql.py",
        'return f"({_increase(metric, labels)} or 0 * {_increase(metric)})"',
        "return _increase(metric, labels)",
        PROMETHEUS,
    ),
    Mutation(
        "prometheus: what caches saved is left out",
        "watch/figures/promql.py",
        'return f"{cache} + {others}"',
        'return f"{others}"',
        PROMETHEUS,
    ),
)
