"""`python -m tradewire` is the `tradewire` command."""

from __future__ import annotations

from tradewire.cli import main

if __name__ == "__main__":
    main()
