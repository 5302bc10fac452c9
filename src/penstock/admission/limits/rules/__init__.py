"""The rules themselves: as operators write them, kept in the database, followed while requests are served."""
