"""`python -m srgan_lib`: see `srgan_lib.cli`."""

from .cli.parser import main

if __name__ == "__main__":
    raise SystemExit(main())
