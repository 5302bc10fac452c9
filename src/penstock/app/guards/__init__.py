"""The guards of a data plane, put together from the configuration."""
