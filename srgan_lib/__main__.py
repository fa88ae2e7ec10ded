"""`python -m srgan_lib`, the same as `srgan`: see `srgan_lib.cli`."""

import os.path
import sys

_FIRST = None if getattr(sys.flags, "safe_path", False) else sys.path[0]
if __name__ == "__main__" and _FIRST and not os.path.isdir(os.path.join(_FIRST, "srgan_lib")):
    del sys.path[0]  # where the user is: a torch.py or random.py there is not what we import

from .system.signals import ending, leaving  # noqa: E402


def main() -> int:
    """What runs from the first moment on: a Ctrl-C during the imports is one line, too."""
    with leaving():
        from .cli.parser import main as run

    status = run()
    ending(status)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
