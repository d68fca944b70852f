"""`python -m tradewire.cli`, the same as the `tradewire` command."""

from tradewire.cli import main

main()
