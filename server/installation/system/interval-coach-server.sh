#!/bin/sh
# interval-coach-server, as the account that owns the clinic's folder, so that no file in it becomes root's.
# «interval-coach-server install» writes this file; the commands for the system itself stay root's.
set -eu
program=@CURRENT@/bin/interval-coach-server
case ${1:-} in
    install | uninstall | upgrade | rollback | --help | -h | '') exec "$program" "$@" ;;
esac
if [ -r /etc/interval-coach-server.env ]; then
    set -a
    # shellcheck source=/dev/null
    . /etc/interval-coach-server.env
    set +a
fi
INTERVAL_COACH_SERVER=${INTERVAL_COACH_SERVER:-@FOLDER@}
export INTERVAL_COACH_SERVER
if [ "$(id -un)" = interval-coach-server ]; then
    exec "$program" "$@"
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "interval-coach-server: only root and the account interval-coach-server may run this. Use sudo." >&2
    exit 1
fi
exec setpriv --reuid=interval-coach-server --regid=interval-coach-server --clear-groups -- \
    env HOME=/tmp PYTHONDONTWRITEBYTECODE=1 "$program" "$@"
