"""Adversarial twins, by what the two differ in; `written` has them in the order in which they were written."""
