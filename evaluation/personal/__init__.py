"""How much personal data is found, on texts whose templates were not looked at: `make evaluate ARGS=personal`."""
