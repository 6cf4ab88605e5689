"""`python -m toolgate.cli`: the same as `toolgate`."""

from toolgate.cli.main import main

main()
