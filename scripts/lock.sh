#!/usr/bin/env bash
# Locks every dependency by hash into requirements/, from pyproject.toml. No registry address is written: a machine takes
# the packages from wherever its own pip is configured to look, and the hashes hold whatever the place.
#
#   scripts/lock.sh [--upgrade]    without it, versions that still fit are kept
set -euo pipefail

cd "$(dirname "$0")/.."

lock() {
    # fewest: one version of a package for all Pythons, so that what is tested on one is what runs on the other.
    .venv/bin/python -m uv pip compile --quiet --universal --fork-strategy fewest --generate-hashes --python-version 3.11 \
        --no-emit-index-url --no-header --custom-compile-command "make lock" "$@"
}

# dev holds all the others, so one version of each package serves every lock.
lock "$@" pyproject.toml --all-extras --group dev --group build --group web --output-file requirements/dev.txt
for extra in device ant desk server; do
    lock pyproject.toml --extra "$extra" --constraint requirements/dev.txt --output-file "requirements/$extra.txt"
done
lock --group build --constraint requirements/dev.txt --output-file requirements/build.txt
lock --group web --constraint requirements/dev.txt --output-file requirements/web.txt
lock --group vm --constraint requirements/dev.txt --output-file requirements/vm.txt

# Locks are installed without resolving, so each must be complete: uv resolves it here and refuses a dependency that is not
# locked. Nothing is compiled on a machine: where a package has no wheel, the installer has another way (systemd/install.sh).
for extra in dev device ant desk server build web vm; do
    for python in 3.11 3.12 3.13 3.14; do
        for processor in x86_64 aarch64; do
            .venv/bin/python -m uv pip install --quiet --dry-run --target build/nowhere --only-binary :all: --require-hashes \
                --python-platform "$processor-manylinux_2_36" --python-version "$python" -r "requirements/$extra.txt" || {
                printf 'lock: %s is not complete, or not all wheels, with Python %s on %s\n' "$extra.txt" "$python" "$processor" >&2
                exit 1
            }
        done
    done
done
