"""Colours, type and spacing of the console: the only place where they are said.

Text on its ground has a contrast of 4.5 : 1 or more in both themes (WCAG 2.2, 1.4.3); the page tests measure it.
"""

_LIGHT = """
  --bg: #f5f6f8; --surface: #ffffff; --raised: #f0f2f5; --text: #1b2431; --muted: #586374;
  --line: #e2e6ec; --line-strong: #8a94a4; --brand: #0f766e; --brand-strong: #0f766e; --brand-bg: #e0f2f0;
  --focus: #2563eb; --ok: #146c39; --ok-bg: #e2f4e8; --warn: #855000; --warn-bg: #fdf0d5;
  --bad: #b3261e; --bad-bg: #fce8e6; --info: #1d4ed8; --info-bg: #e6edff;
  --shadow: 0 1px 2px rgb(20 30 50 / 5%), 0 6px 20px rgb(20 30 50 / 4%);
"""
_DARK = """
  --bg: #0e131a; --surface: #161c25; --raised: #1e2631; --text: #e5e9f0; --muted: #9ba7b7;
  --line: #27313e; --line-strong: #6b7889; --brand: #3fd0bd; --brand-strong: #0f766e; --brand-bg: #123330;
  --focus: #7fb0ff; --ok: #6ad796; --ok-bg: #133021; --warn: #f2bb55; --warn-bg: #34270d;
  --bad: #ff938a; --bad-bg: #3c1815; --info: #93b9ff; --info-bg: #16274a;
  --shadow: 0 1px 2px rgb(0 0 0 / 30%);
"""
TOKENS = f"""
:root {{ color-scheme: light; {_LIGHT}
  --font: ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  --mono: ui-monospace, SFMono-Regular, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }}
@media (prefers-color-scheme: dark) {{ :root {{ color-scheme: dark; {_DARK} }} }}
body.body--light {{ color-scheme: light; {_LIGHT} }}
body.body--dark {{ color-scheme: dark; {_DARK} }}
"""

CHART_COLOURS = {
    "both": ("#0d9488", "#4f7fe0", "#c47614", "#8b6cf0", "#d4577a", "#6b9b1e", "#7a8698"),
    "light": ("#0f766e", "#3b6fd4", "#b45309", "#7c3aed", "#be3455", "#4d7c0f"),
    "dark": ("#3fd0bd", "#7fa9f5", "#f0b357", "#b79bf5", "#f08ba3", "#a8cf5b"),
}
"""For series, in this order; told apart with any kind of colour vision by their lightness too.  `both` is for where
nobody knows the theme: 3 : 1 on either ground (WCAG 2.2, 1.4.11)."""
