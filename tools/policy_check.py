"""parliament over policy files; run by the Python of .venv-policies.

    python tools/policy_check.py .build/policies

Exit status 1 for a finding that is not accepted below, and for one accepted that is not found.
"""

import sys
import warnings
from collections import Counter
from pathlib import Path

warnings.simplefilter("ignore")  # pkg_resources, which parliament imports, announces its end

from parliament import analyze_policy_string, enhance_finding  # noqa: E402

ACCEPTED = {
    ("identity/NetworkPolicy.json", "RESOURCE_STAR"): (
        "Network interfaces have no names before Lambda makes them; the function is denied ec2:*."
    ),
    ("identity/NetworkPolicy.json", "UNKNOWN_CONDITION_FOR_ACTION"): (
        "lambda:SourceFunctionArn is in every request that a function makes (Lambda developer "
        "guide, source function ARN); parliament knows it for Lambda's own actions only."
    ),
    ("resource/BridgeKey-KeyPolicy.json", "RESOURCE_STAR"): (
        'In a key policy "*" is the key itself (KMS developer guide, key policies).'
    ),
}
TRUST = "AssumeRolePolicyDocument"
"""A trust policy has no Resource, which parliament calls malformed."""


def findings(folder: Path) -> Counter[tuple[str, str]]:
    """(file, issue) of what parliament finds, and how often."""
    found: Counter[tuple[str, str]] = Counter()
    for path in sorted(folder.rglob("*.json")):
        name = path.relative_to(folder).as_posix()
        text = path.read_text(encoding="utf-8")
        for finding in analyze_policy_string(text, name).findings:
            enhance_finding(finding)
            if TRUST in name and "neither Resource nor NotResource" in str(finding.detail):
                continue
            found[name, finding.issue] += 1
            if (name, finding.issue) not in ACCEPTED:
                print(f"{name}: {finding.title}: {finding.detail}", file=sys.stderr)
    return found


def main() -> int:
    """Compares what is found with what is accepted."""
    found = findings(Path(sys.argv[1]))
    gone = sorted(ACCEPTED.keys() - found.keys())
    for name, issue in gone:
        print(f"{name}: {issue} is accepted but not found: take it out", file=sys.stderr)
    checked = len(list(Path(sys.argv[1]).rglob("*.json")))
    print(f"parliament: {checked} policies, accepted: {len(found.keys() & ACCEPTED.keys())} kinds")
    return 1 if gone or found.keys() - ACCEPTED.keys() else 0


if __name__ == "__main__":
    sys.exit(main())
