"""`python -m tests`: format, lint, types, layers and all tests, stopping at the first that fails.

What follows is handed to pytest: `python -m tests -k http`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
LAYERS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
CHECKS: Sequence[tuple[str, Sequence[str]]] = (
    ("format", ("-m", "ruff", "format", "--check", ".")),
    ("lint", ("-m", "ruff", "check", ".")),
    ("types", ("-m", "mypy")),
    ("layers", ("-c", LAYERS)),  # import-linter has no __main__
)


def main(words: Sequence[str]) -> int:
    """Run everything from the repository's root; the first failure's exit code, else 0."""
    further = words[1:] if words[:1] == ["--"] else words
    for name, arguments in (*CHECKS, ("tests", ("-m", "pytest", *further))):
        print(f"── {name} {'─' * (70 - len(name))}", flush=True)
        code = subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
