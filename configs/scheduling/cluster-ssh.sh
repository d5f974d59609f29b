#!/bin/sh
# A run over machines that are reached by SSH. Each has bulkmail[cluster] of the same version in the same place, the TLS
# files of the cluster below /etc/bulkmail/tls, and the job's certificate only if the job says tokens = "own". A task that
# leaves blobs needs output.blobs: a folder that all of them have at one path, or an object store.
#
#   cluster-ssh.sh JOB HOST...      the first host is the scheduler's, too
set -eu
[ $# -ge 2 ] || { echo "usage: $0 JOB HOST..." >&2; exit 2; }
job=$1; shift
bin=${BIN:-/opt/bulkmail/bin}
tls=${TLS:-/etc/bulkmail/tls}
files="--tls-ca-file $tls/ca.pem --tls-cert $tls/cert.pem --tls-key $tls/key.pem"
scheduler=tls://$1:8786
pids=
trap 'kill $pids 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

# -tt: what runs there ends with the connection
ssh -tt "$1" "$bin/dask scheduler --protocol tls --port 8786 --no-dashboard $files" </dev/null >/dev/null 2>&1 &
pids=$!
for host in "$@"; do
    ssh -tt "$host" "$bin/dask worker $scheduler --nworkers auto --nthreads 1 --no-dashboard $files" </dev/null >/dev/null 2>&1 &
    pids="$pids $!"
done
BULKMAIL_CLUSTER_TLS_CA=$tls/ca.pem BULKMAIL_CLUSTER_TLS_CERTIFICATE=$tls/cert.pem BULKMAIL_CLUSTER_TLS_KEY=$tls/key.pem \
    "$bin/bulkmail" run "$job" --scheduler "$scheduler"
