"""``python -m tests.fuzz``."""

from .driver import main

if __name__ == "__main__":
    main()
