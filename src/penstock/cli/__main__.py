"""`python -m penstock.cli`: how `up` starts its children, whatever the path holds."""

from penstock.cli import main

main()
