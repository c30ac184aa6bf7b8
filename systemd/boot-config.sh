#!/usr/bin/env bash
# Puts the lines that a machine needs into the Raspberry Pi's config.txt, or takes them out again.
#
#   systemd/boot-config.sh add FILE LINE …       prints each line that was not in force and now is
#   systemd/boot-config.sh remove FILE           takes out what was put in; all else stays as it was
#
# A line counts as in force where it stands for every Pi: before any [section], or below [all]. What is added stands
# between two marks at the end. The file is replaced in one step, and the first time a copy is kept beside it.
set -euo pipefail

begin='# begin interval-coach: put here by its installer, taken out by its uninstaller'
end='# end interval-coach'

[ $# -ge 2 ] || {
    sed -n '2,9p' "$0" >&2
    exit 2
}
what=$1 file=$2
shift 2

without_block() { awk -v begin="$begin" -v end="$end" '$0 == begin { inside = 1 } !inside { print } $0 == end { inside = 0 }' "$file"; }

# The lines in force for every Pi, outside our own block too.
in_force() {
    awk 'BEGIN { for_all = 1 } { sub(/[ \t\r]+$/, "") } /^\[/ { for_all = ($0 == "[all]"); next } for_all && !/^#/ { print }' "$file"
}

replace() {
    [ -e "$file.before-interval-coach" ] || cp "$file" "$file.before-interval-coach"
    cat >"$file.new"
    sync "$file.new"
    mv -f "$file.new" "$file"
}

case $what in
    add)
        present=$(in_force)
        ours=$(awk -v begin="$begin" -v end="$end" '$0 == end { inside = 0 } inside && $0 != "[all]" { print } $0 == begin { inside = 1 }' "$file")
        added=()
        for line in "$@"; do
            grep -qxF -- "$line" <<<"$present" || added+=("$line")
        done
        [ ${#added[@]} -gt 0 ] || exit 0
        content=$(
            without_block
            printf '%s\n[all]\n' "$begin"
            [ -z "$ours" ] || printf '%s\n' "$ours"
            printf '%s\n' "${added[@]}" "$end"
        )
        printf '%s\n' "$content" | replace
        printf '%s\n' "${added[@]}"
        ;;
    remove)
        grep -qxF -- "$begin" "$file" || exit 0
        content=$(without_block)
        printf '%s\n' "$content" | replace
        ;;
    *)
        echo "boot-config: there is no «$what»; write add or remove." >&2
        exit 2
        ;;
esac
