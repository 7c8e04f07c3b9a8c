#!/bin/sh
# A batch of scenarios by GNU parallel: on the cores of this machine, or over ssh with LOGINS="--sshlogin one,two" on machines that share the folder.
# usage: SHEET=orders.csv SCENARIOS="--profile dataco" parallel.sh RUN [SHARDS]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
shards=${2:-$(nproc)}
parallel ${LOGINS:-} --retries 2 --joblog "$1.joblog" sh "$here/batch.sh" "$1" '{}'/"$shards" ::: $(seq "$shards")
"${RECANT:-recant}" scenarios merge "$1"
