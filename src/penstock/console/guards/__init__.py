"""The admin API's part about guards."""
