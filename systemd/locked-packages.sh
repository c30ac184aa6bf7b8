#!/usr/bin/env bash
# Installs or downloads exactly the packages of the given lock files: by hash, as wheels, without resolving dependencies.
#
#   locked-packages.sh install PYTHON [PIP OPTION …] LOCK …       into the environment of PYTHON, with its pip
#   locked-packages.sh download PYTHON [PIP OPTION …] LOCK …      into a folder: --dest FOLDER
#
# The locks are complete (tests/project/test_locked_packages.py), so nothing needs to be resolved. Resolving is what breaks a
# lock later: pip < 23.3 takes the newest release for a requirement with an extra, and then refuses it, since it has no hash.
# On failure, prints what pip said and ends with pip's status.
set -euo pipefail

if [ $# -lt 3 ] || { [ "$1" != install ] && [ "$1" != download ]; }; then
    sed -n '2,5p' "$0" >&2
    exit 2
fi
action=$1 python=$2
shift 2
options=() locks=()
for word in "$@"; do
    case $word in
        *.txt) locks+=("$word") ;;
        *) options+=("$word") ;;
    esac
done
files=()
for lock in "${locks[@]}"; do files+=(-r "$lock"); done

said=$(mktemp)
trap 'rm -f "$said"' EXIT
status=0
# Twice quiet: errors are shown, notes about the machine's own mirrors are not.
"$python" -m pip -qq --no-input --disable-pip-version-check "$action" --no-deps --require-hashes --only-binary=:all: \
    "${options[@]}" "${files[@]}" 2>"$said" || status=$?
if [ "$status" -ne 0 ]; then
    printf 'pip could not %s %s. It said:\n' "$action" "${locks[*]}" >&2
    tail -n 30 "$said" | sed 's/^/    /' >&2
fi
exit "$status"
