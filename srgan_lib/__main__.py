"""`python -m srgan_lib`, the same as `srgan`: see `srgan_lib.cli`."""

from .system.signals import leaving


def main() -> int:
    """What runs from the first moment on: a Ctrl-C during the imports is one line, too."""
    with leaving():
        from .cli.parser import main as run

    return run()


if __name__ == "__main__":
    raise SystemExit(main())
