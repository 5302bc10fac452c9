"""How far the forecast of spend can be trusted: generated months, against what they came to."""
