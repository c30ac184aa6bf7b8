#!/usr/bin/env bash
# Copies a diary that is in memory alone to the card, where the next coach brings it into the diary (docs/diary.md).
#
#   keep-sessions.sh /run/interval-coach /var/lib/interval-coach
#
# Says where the copy is; nothing where no diary is in memory. Status 1: there is no copy, and the memory is as it was.
set -euo pipefail

memory=$1/diary-in-memory.db
[ -f "$memory" ] || exit 0
number=1
kept=$2/diary-in-memory.db
while [ -e "$kept" ]; do
    number=$((number + 1))
    kept=$2/diary-in-memory-$number.db
done
# The log first: without its file it is taken for no diary.
for part in -wal ''; do
    [ -f "$memory$part" ] || continue
    if [ -L "$memory$part" ] || ! cp -pP "$memory$part" "$kept$part" || ! sync "$kept$part" "$2"; then
        rm -f "$kept" "$kept-wal" || true
        exit 1
    fi
done
echo "$kept"
