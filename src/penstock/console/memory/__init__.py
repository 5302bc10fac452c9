"""The control plane's part of the memory: erasing, clearing away, and what lies in outboxes."""
