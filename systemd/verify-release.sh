#!/usr/bin/env bash
# Verifies a released file: its SHA-256 against SHA256SUMS in the same folder, and that list's signature by ssh-keygen.
#
#   verify-release.sh FILE      prints the signer and ends with 0, or prints what is wrong and ends with 1
#
# The keys that may sign are those of the file release-signers in the folder of this script, and the clinic's own in
# /etc/interval-coach/release-signers. Each line: release ssh-ed25519 AAAA… (docs/release.md).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
own=${INTERVAL_COACH_SIGNERS:-/etc/interval-coach/release-signers}
purpose=interval-coach-release

refuse() {
    printf 'verify-release: %s\n' "$*" >&2
    exit 1
}

[ $# -eq 1 ] && [ -f "$1" ] || refuse "name one file to verify."
file=$(realpath "$1")
folder=$(dirname "$file")
name=$(basename "$file")
sums=$folder/SHA256SUMS

for one in "$sums" "$sums.sig"; do
    [ -f "$one" ] || refuse "$name cannot be verified: $one is missing." \
        "Put SHA256SUMS and SHA256SUMS.sig of the release into the same folder."
done
command -v ssh-keygen >/dev/null || refuse "ssh-keygen is missing. Run: sudo apt-get install openssh-client"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for one in "$here/release-signers" "$own"; do
    [ ! -f "$one" ] || awk 'NF && $1 !~ /^#/' "$one"
done >"$work/signers"
[ -s "$work/signers" ] || refuse "$name cannot be verified: this machine knows no key that may sign a release." \
    "Put the signer's public key into $own (docs/release.md)."

if ! ssh-keygen -Y verify -f "$work/signers" -I release -n "$purpose" -s "$sums.sig" <"$sums" >"$work/said" 2>&1; then
    refuse "the signature of $sums is not valid. ssh-keygen said: $(tr '\n' ' ' <"$work/said")"
fi

# After the signature, since an unsigned list proves nothing.
listed=$(awk -v name="$name" '$2 == name || $2 == "*" name { print $1 }' "$sums")
[ -n "$listed" ] || refuse "$name is not in the signed list $sums."
found=$(sha256sum <"$file" | cut -d ' ' -f 1)
[ "$listed" = "$found" ] || refuse "$name is not the file that was signed: its SHA-256 is $found, the signed one is" \
    "${listed//$'\n'/, }. Copy it again."
printf '%s: verified. %s\n' "$name" "$(tail -n 1 "$work/said")"
