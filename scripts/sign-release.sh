#!/usr/bin/env bash
# Signs files that leave the house: writes SHA256SUMS over every file of a folder, and its signature SHA256SUMS.sig.
#
#   scripts/sign-release.sh KEY FOLDER     KEY: a private key of ssh-keygen, or a public key whose private part the agent
#                                          or a security token holds
#
# systemd/verify-release.sh verifies the result.
set -euo pipefail

if [ $# -ne 2 ] || [ ! -f "$1" ] || [ ! -d "$2" ]; then
    sed -n '2,5p' "$0" >&2
    exit 2
fi
key=$(realpath "$1")
cd "$2"
rm -f SHA256SUMS SHA256SUMS.sig
sums=$(find . -maxdepth 1 -type f -printf '%f\0' | LC_ALL=C sort -z | xargs -0 -r sha256sum)
[ -n "$sums" ] || { echo "sign-release: there is no file in $2." >&2 && exit 1; }
printf '%s\n' "$sums" >SHA256SUMS
ssh-keygen -q -Y sign -f "$key" -n interval-coach-release SHA256SUMS
