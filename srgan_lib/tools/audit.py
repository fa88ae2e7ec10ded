"""Known vulnerabilities of what is installed: `make audit`."""

import re
import subprocess
import sys

_OFFLINE = re.compile("ConnectionError|Max retries|timed? ?out|unreachable|proxy", re.IGNORECASE)


def main() -> int:
    """Run pip-audit; returns its status, or 0 with a sentence if it cannot ask anybody."""
    command = [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--skip-editable"]
    done = subprocess.run(command, capture_output=True, text=True)
    if "No module named pip_audit" in done.stderr:
        print("Skipped: pip-audit is not installed; python -m pip install pip-audit adds it.")
        return 0
    if done.returncode and _OFFLINE.search(done.stderr):
        print("Skipped: the list of known vulnerabilities cannot be reached; try again online.")
        return 0
    print(done.stdout + done.stderr, end="")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
