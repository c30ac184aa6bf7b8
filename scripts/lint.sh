#!/usr/bin/env bash
# Runs every check of the sources, all of them even when one fails, and says at the end which did.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
export PATH="$PWD/.venv/bin:$PATH"
failed=()

check() {
    printf -- '--- %s\n' "$1"
    "${@:2}" || failed+=("$1")
}

check "ruff check" ruff check .
check "ruff format" ruff format --check .
check "mypy" mypy
check "the import law" lint-imports
check "spelling" codespell
if command -v shellcheck >/dev/null; then
    mapfile -t shell_files < <(git ls-files -z | xargs -0 awk 'FNR == 1 && /^#!.*sh$/ { print FILENAME } { nextfile }')
    check "shell scripts" shellcheck --severity=style --external-sources "${shell_files[@]}"
else
    echo "--- shell scripts: shellcheck is not on the path (its wheel is for x86 only; Debian has the package shellcheck)"
fi

if [ ${#failed[@]} -gt 0 ]; then
    printf 'lint: %s failed\n' "$(printf '%s, ' "${failed[@]}" | sed 's/, $//')" >&2
    exit 1
fi
echo "lint: all checks passed"
