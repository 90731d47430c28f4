"""``python -m edgeproxy``."""

from .cli import main

main()
