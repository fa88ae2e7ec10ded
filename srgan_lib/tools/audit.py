"""Known vulnerabilities of what is installed: `make audit`."""

import json
import re
import subprocess
import sys

_OFFLINE = re.compile("ConnectionError|Max retries|timed? ?out|unreachable|proxy", re.IGNORECASE)


def main() -> int:
    """Run pip-audit; returns 1 if it knows of any, or 0 with a sentence if it cannot ask anybody.

    What it finds nothing about counts as not audited, never as sound.
    """
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run([*command, "--skip-editable"], capture_output=True, text=True)
    if "No module named pip_audit" in done.stderr:
        print("Skipped: pip-audit is not installed; python -m pip install pip-audit adds it.")
        return 0
    if done.returncode and _OFFLINE.search(done.stderr):
        print("Skipped: the list of known vulnerabilities cannot be reached; try again online.")
        return 0
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        print(done.stdout + done.stderr, end="")
        return done.returncode or 1
    audited = [package for package in packages if "vulns" in package]
    if not audited:
        print(f"Skipped: the package index here knows none of {len(packages)} packages.")
        return 0
    found = [(package, bug) for package in audited for bug in package["vulns"]]
    for package, bug in found:
        mended = ", ".join(bug["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {bug['id']}, mended in {mended}")
    print(
        f"make audit: {len(found)} known vulnerabilities in {len(audited)} packages; "
        f"{len(packages) - len(audited)} could not be looked up."
    )
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
