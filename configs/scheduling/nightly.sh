#!/bin/sh
# One night of a job: goes on with the night before if that was stopped, else begins a run; then deletes old runs.
#
#   nightly.sh JOB.toml FOLDER [OPTIONS OF bulkmail run …]
#
# systemd, cron and Kubernetes call this alike. FOLDER gets a directory a night, and `last.json`, the summary of the
# last one. The exit code is that of bulkmail; 3 (finished, a few mailboxes are not ok: see failed.csv) is told on
# standard error and counts as a success. With --drift in OPTIONS, 8 and 9 are for a person to see, and so they stay.
set -u
umask 077

job=$1
folder=$2
shift 2
: "${BULKMAIL:=bulkmail}" # the program
: "${KEEP:=30}"           # runs of each job that are kept
: "${BOX:=5h}"            # longest night

stopped=$folder/stopped # names the run that the next night goes on with

if [ -s "$stopped" ]; then
    "$BULKMAIL" resume "$(cat "$stopped")" --max-duration "$BOX" --no-progress --log-json --json >"$folder/last.json"
else
    "$BULKMAIL" run "$job" --check --output "$folder/{task}-{date}" --max-duration "$BOX" \
        --no-progress --log-json --json "$@" >"$folder/last.json"
fi
code=$?

case $code in
5 | 129 | 130 | 143) # stopped and resumable; a run that did not begin has no directory, and leaves things as they are
    run=$(sed -n 's/^  "directory": "\(.*\)",$/\1/p' "$folder/last.json")
    [ -n "$run" ] && printf '%s\n' "$run" >"$stopped"
    ;;
6) ;; # another process works in it, and may be stopped in its turn
*) rm -f "$stopped" ;;
esac

"$BULKMAIL" prune "$folder" --keep "$KEEP" --yes >&2

if [ "$code" -eq 3 ]; then
    echo "nightly: finished, and some mailboxes are not ok: see failed.csv" >&2
    code=0
fi
exit "$code"
