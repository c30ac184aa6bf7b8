# Sourced by what is tried as root in a folder of its own: its words, and mounts that are its own and end with it.
# shellcheck shell=bash

tried=$(basename "$0" .sh)

say() { printf '\n=== %s\n' "$*"; }
skip() {
    printf '%s: skipped: %s\n' "$tried" "$*" >&2
    exit 77
}
fail() {
    printf '%s: FAILED: %s\n' "$tried" "$*" >&2
    exit 1
}

# with_own_mounts ARGUMENT …: starts the script again in a mount namespace, and ends with it; inside, sets «work».
with_own_mounts() {
    if [ "${IN_NAMESPACE:-}" = yes ]; then
        work=${WORK:?}
        return
    fi
    local status=0
    work=$(mktemp -d "/var/tmp/interval-coach-$tried.XXXXXX")
    trap 'rm -rf --one-file-system "$work"' EXIT
    IN_NAMESPACE=yes WORK=$work unshare --mount --propagation private "$0" "$@" || status=$?
    exit "$status"
}
