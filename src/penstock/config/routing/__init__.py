"""Tiers, the rules that choose among them, and the regions that requests may touch."""
