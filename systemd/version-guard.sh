#!/bin/sh
# Runs before each start of the coach. It counts the starts of a version on trial, and lets the version before it run
# again instead of a third start (docs/installation.md, «Upgrade»; faults.md, row 26). It is always the steady version's
# own copy that runs, and it ends with 0 whatever happens: a guard that fails must keep nobody from training.
set -u

folder=${INTERVAL_COACH_VERSIONS:-/opt/interval-coach}
current=$(readlink "$folder/current") || exit 0
steady=$(readlink "$folder/steady") || exit 0
[ "$current" != "$steady" ] || exit 0

starts=$(cat "$folder/starts" 2>/dev/null || echo 0)
case $starts in
    '' | *[!0-9]*) starts=1 ;;
esac
if [ "$starts" -lt 2 ]; then
    if echo $((starts + 1)) >"$folder/.starts.new"; then
        # The count must outlast a power cut: it is often the cause of the next start.
        sync "$folder/.starts.new"
        mv -f "$folder/.starts.new" "$folder/starts"
        sync "$folder"
    fi
    echo "start $((starts + 1)) of 2 of ${current##*/}, on trial"
    exit 0
fi
echo "${current##*/} did not come up in 2 starts; ${steady##*/} runs again"
if ! "$folder/steady/bin/python" -I -m firmware.upgrade fall-back; then
    # Not even that worked: the link alone decides what runs, and the diary is looked at by a person.
    ln -s "$steady" "$folder/.current.guard" && mv -fT "$folder/.current.guard" "$folder/current"
    rm -f "$folder/starts"
fi
exit 0
