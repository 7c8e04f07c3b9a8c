#!/bin/bash
# Tries scenarios.sbatch and parallel.sh for real on this one machine (Debian or Ubuntu, as root): installs Slurm, starts it, submits an array
# of four tasks of which one is killed halfway and put back in the queue, merges, and compares the records byte for byte with a run of one
# process; then the same by GNU parallel.
# usage: RECANT=/path/to/recant try-slurm.sh [FOLDER]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export RECANT=$(readlink -f "${RECANT:?give the binary: RECANT=target/release/recant}")
folder=$(mkdir -p "${1:-/tmp/recant-slurm}" && cd "${1:-/tmp/recant-slurm}" && pwd)
cd "$folder"

if ! command -v sbatch >/dev/null || ! command -v munged >/dev/null || ! command -v parallel >/dev/null; then
    apt-get update -q && apt-get install -y -q --no-install-recommends slurm-wlm munge parallel
fi

echo "== Slurm on this machine"
host=$(hostname -s)
install -d -m 0755 -o munge -g munge /run/munge
[ -s /etc/munge/munge.key ] || { dd if=/dev/urandom bs=1 count=1024 of=/etc/munge/munge.key status=none; chown munge: /etc/munge/munge.key; chmod 400 /etc/munge/munge.key; }
munge -n >/dev/null 2>&1 || runuser -u munge -- munged
mkdir -p /etc/slurm "$folder/state" "$folder/spool"
cat > /etc/slurm/slurm.conf <<CONF
ClusterName=one
SlurmctldHost=$host
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
JobRequeue=1
MinJobAge=600
ReturnToService=2
SlurmctldTimeout=60
NodeName=$host CPUs=$(nproc) RealMemory=2000 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
pgrep -x slurmctld >/dev/null || slurmctld
pgrep -x slurmd >/dev/null || slurmd
for _ in $(seq 30); do sinfo -h -o %T 2>/dev/null | grep -q -E 'idle|mixed|alloc' && break; sleep 1; done
sinfo

echo "== the same batch by one process"
[ -s orders.csv ] || "$RECANT" generate --rows "${ROWS:-20000}" --seed 7 --out orders.csv --quiet
export SHEET=$folder/orders.csv HERE=$here
export SCENARIOS="${SCENARIOS:---profile dataco --sizes 2x50,3x100 --errors 1%,5% --runs 12 --chunk 2 --trials 4 --sweep-runs 2}"
[ -s whole/records.csv ] || "$RECANT" scenarios "$SHEET" $SCENARIOS --out whole --quiet

echo "== an array of four tasks; the second is killed in its first life"
rm -rf sliced slurm-*.out
export RUN=$folder/sliced
trap 'scancel "${job:-}" 2>/dev/null || true' EXIT
job=$(sbatch --parsable --array=1-4 --mem=300M "$here/scenarios.sbatch")
victim=
for _ in $(seq 600); do
    for pid in $(pgrep -f -- "scenarios .*--shard auto" || true); do
        if tr '\0' '\n' < "/proc/$pid/environ" 2>/dev/null | grep -qx SLURM_ARRAY_TASK_ID=2 && [ -n "$(ls "$RUN/shard-2-of-4/chunks" 2>/dev/null)" ]; then
            victim=$pid
        fi
    done
    [ -n "$victim" ] && break
    sleep 0.05
done
[ -n "$victim" ] || { echo "task 2 was over before it could be killed: give more --runs in SCENARIOS"; exit 1; }
kill -KILL "$victim"
echo "killed task 2 with $(ls "$RUN/shard-2-of-4/chunks" | grep -c jsonl) finished chunks"
while [ -n "$(squeue -h -j "$job" 2>/dev/null)" ]; do sleep 1; done
for task in 1 2 3 4; do
    scontrol show job "${job}_$task" | tr ' ' '\n' | grep -E '^(ArrayTaskId|JobState|Restarts|ExitCode)=' | paste -sd' '
done
"$RECANT" scenarios merge sliced
for file in records.csv records.parquet sweep.csv; do cmp "whole/$file" "sliced/$file" && echo "$file: the same bytes"; done

echo "== the same by GNU parallel"
rm -rf spread spread.joblog
sh "$here/parallel.sh" "$folder/spread" 4
for file in records.csv records.parquet sweep.csv; do cmp "whole/$file" "spread/$file" && echo "$file: the same bytes"; done
