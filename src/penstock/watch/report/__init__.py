"""The report of a month: what was done, what it cost and saved, what failed and what guards did; as HTML and as PDF."""
