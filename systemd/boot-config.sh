#!/usr/bin/env bash
# Puts what a machine needs into the Raspberry Pi's config.txt and cmdline.txt, or takes it out again.
#
#   systemd/boot-config.sh add FILE LINE …             prints each line that was not in force and now is
#   systemd/boot-config.sh remove FILE                 takes out what was put in; all else stays as it was
#   systemd/boot-config.sh add-words FILE WORD …       the same for cmdline.txt, which is one line of words; OLD>NEW
#   systemd/boot-config.sh remove-words FILE WORD …    puts a word in another's place, where that one stands
#
# A line counts as in force where it stands for every Pi: before any [section], or below [all]. What is added stands
# between two marks at the end. cmdline.txt knows no marks: what stood in it before is seen from the copy. A file is
# replaced in one step, and the first time a copy is kept beside it.
set -euo pipefail

begin='# begin interval-coach: put here by its installer, taken out by its uninstaller'
end='# end interval-coach'

[ $# -ge 2 ] || {
    sed -n '2,12p' "$0" >&2
    exit 2
}
what=$1 file=$2
shift 2

without_block() { awk -v begin="$begin" -v end="$end" '$0 == begin { inside = 1 } !inside { print } $0 == end { inside = 0 }' "$file"; }

# The lines in force for every Pi, outside our own block too.
in_force() {
    awk 'BEGIN { for_all = 1 } { sub(/[ \t\r]+$/, "") } /^\[/ { for_all = ($0 == "[all]"); next } for_all && !/^#/ { print }' "$file"
}

# Of cmdline.txt the firmware reads one line.
words_in() { head -n 1 "$1" | tr -s '[:blank:]\r' ' ' | trimmed; }
trimmed() { sed 's/^ *//; s/ *$//'; }

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
    add-words)
        words=" $(words_in "$file") "
        changed=()
        for word in "$@"; do
            old=${word%%>*} new=${word#*>}
            if [[ $word == *'>'* ]]; then
                [[ $words == *" $old "* ]] || continue
                words=${words/ "$old" / "$new" }
            else
                [[ $words != *" $word "* ]] || continue
                words+="$word "
            fi
            changed+=("$new")
        done
        [ ${#changed[@]} -gt 0 ] || exit 0
        printf '%s\n' "$words" | trimmed | replace
        printf '%s\n' "${changed[@]}"
        ;;
    remove-words)
        [ -e "$file.before-interval-coach" ] || exit 0
        words=" $(words_in "$file") "
        before=" $(words_in "$file.before-interval-coach") "
        changed=()
        for word in "$@"; do
            old=${word%%>*} new=${word#*>}
            [[ $words == *" $new "* && $before != *" $new "* ]] || continue
            if [[ $word == *'>'* ]]; then
                words=${words/ "$new" / "$old" }
            else
                words=${words/ "$word" / }
            fi
            changed+=("$new")
        done
        [ ${#changed[@]} -gt 0 ] || exit 0
        printf '%s\n' "$words" | trimmed | replace
        printf '%s\n' "${changed[@]}"
        ;;
    *)
        echo "boot-config: there is no «$what»; write add, remove, add-words or remove-words." >&2
        exit 2
        ;;
esac
