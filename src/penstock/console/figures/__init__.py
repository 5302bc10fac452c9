"""Figures over the admin API: any of them, by any dimension that sums are kept by."""
