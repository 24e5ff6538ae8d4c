"""``python -m tools.audit``: known vulnerabilities of what the locks name (``make audit``).

Exit status 1 when there is one. Where an advisory service cannot be asked this says so and goes on;
``AUDIT=required`` makes that a failure too: set it where the services are within reach.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.real import ROOT

TIMEOUT_S = 90
LOCKS = ("requirements.lock", "requirements-dev.lock")


class Answer(NamedTuple):
    """What an advisory service said: of how many packages, which are vulnerable and how, and of
    how many it said nothing.
    """

    packages: int
    vulnerable: list[str]
    unasked: int


def of_pip(report: str) -> Answer:
    """pip-audit's JSON. It ends with 0 also when it could ask about nothing."""
    try:
        found = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        return Answer(0, [], 1)
    vulnerable = [
        f"{one['name']} {one['version']}: {', '.join(v['id'] for v in one['vulns'])}; "
        f"take {' or '.join(v for each in one['vulns'] for v in each['fix_versions']) or 'another'}"
        for one in found
        if one.get("vulns")
    ]
    return Answer(len(found), vulnerable, sum("skip_reason" in one for one in found))


def of_npm(report: str) -> Answer:
    """npm audit's JSON."""
    try:
        said: dict[str, Any] = json.loads(report)
        count = int(said["metadata"]["dependencies"]["total"])
    except (ValueError, KeyError, TypeError):
        return Answer(0, [], 1)
    vulnerable = [
        f"{name} {one['range']}: {one['severity']}; run npm audit fix"
        for name, one in said["vulnerabilities"].items()
    ]
    return Answer(count, vulnerable, 0)


def verdict(name: str, answer: Answer, *, required: bool) -> tuple[str, bool]:
    """What to say of a lock, and whether it is well."""
    if answer.vulnerable:
        return "\n".join(f"{name}: {one}" for one in answer.vulnerable), False
    if answer.unasked:
        known = f"of {answer.unasked} packages" if answer.packages else "of any package"
        said = f"{name}: NOT AUDITED: the advisory service told nothing {known}"
        return said + ("; AUDIT=required" if required else "; going on without"), not required
    return f"{name}: no known vulnerability in {answer.packages} packages", answer.packages > 0


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def main() -> int:
    """Ask about every lock; answers the exit status."""
    required = os.environ.get("AUDIT") == "required"
    binaries = ROOT / ".venv/bin"
    pip = [str(binaries / "pip-audit"), "--no-deps", "--disable-pip", "--format", "json",
           "--progress-spinner", "off", "--timeout", "5", "-r"]  # fmt: skip
    npm = [str(binaries / "npm"), "audit", "--prefix", "web", "--package-lock-only", "--json"]
    answers = {name: of_pip(_run([*pip, name])) for name in LOCKS}
    answers["web/package-lock.json"] = of_npm(_run(npm))
    verdicts = [verdict(name, answer, required=required) for name, answer in answers.items()]
    for said, _ in verdicts:
        print(said, file=sys.stderr)
    return 0 if all(well for _, well in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
