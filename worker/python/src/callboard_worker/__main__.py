"""``python -m callboard_worker``."""

from .cli import main

main()
