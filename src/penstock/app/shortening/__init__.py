"""Shorter prompts and answers of a data plane, put together; and what models write of what prompts lose."""
