"""Who may ask: tokens of trusted issuers beside API keys, tenants, roles, allow-lists and providers' credentials."""
