"""The configuration in the control plane: what its models lead to, and reading it again."""
