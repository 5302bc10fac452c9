"""Grafana dashboards and Prometheus rules, made from the catalogue of figures and one table of thresholds."""
