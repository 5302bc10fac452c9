"""Alerts over the admin API: what was told, silences, rules and objectives; and the thread that judges rules."""
