#!/usr/bin/env bash
# Table 4 of arXiv 2402.10098 whole on one NVIDIA GPU, beside the PyTorch peer on the same GPU in the same session, and the floor that the
# hardware sets. Each part ends well within ten minutes on an H100 or H200.
#
#   bash benchmarks/gpu_tables.sh OUT_FOLDER [agree] [ours] [peer] [floor]        (all four unless named)
#
# agree   the same scenarios on the processor and on the GPU: counts of right predictions side by side (4 scenarios, 3x100, 5 % errors)
# ours    3 sizes x 6 error rates x 100 scenarios, every method, without sweeps: seconds by size
# peer    the peer's seconds per scenario, by size
# floor   measured matrix rate and bandwidth, and what they allow (needs torch)
#
# What it needs lies ready, as variables: RECANT (a program built with --features cuda), SHEET (the DataCo file), PEER (torch_scenarios.py),
# FEATURES (folder with X_train.npy and y_train.npy of the pandas peer), PYTHON (with torch and numpy).
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:?"usage: bash benchmarks/gpu_tables.sh OUT_FOLDER [agree] [ours] [peer] [floor]"}
shift
parts=${*:-agree ours peer floor}
recant=${RECANT:-target/release/recant}
sheet=${SHEET:-${RECANT_DATA:-../shared/data}/dataco/DataCoSupplyChainDataset.csv.gz}
peer=${PEER:-../shared/reference/torch_scenarios.py}
python=${PYTHON:-python3}
mkdir -p "$out"

needs() {
    for file in "$@"; do
        [ -e "$file" ] || { echo "error: $file is not there (see the head of this script)" >&2; exit 2; }
    done
}
needs "$recant"
"$recant" doctor --json >"$out/doctor.json"
"$recant" doctor
"$python" - "$out/doctor.json" <<'PY'
import json, sys
if json.load(open(sys.argv[1]))["auto_device"] == "cpu":
    sys.exit("error: no GPU can be used; see above")
PY

# Learning rate and weight decay by size: those that the search chose for the results under benchmarks/scenarios; 5x250 has none there.
rates() {
    case $1 in
    2x50) echo 0.00836663874285519 0.002582191379863867 ;;
    3x100) echo 0.003068258141144284 0.0002499678059533006 ;;
    *) echo 0.01 0.00001 ;;
    esac
}

scenarios() { # device size runs errors folder
    read -r rate decay <<<"$(rates "$2")"
    rm -rf "$5"
    "$recant" scenarios "$sheet" --profile dataco-paper --device "$1" --sizes "$2" --runs "$3" --errors "$4" --learning-rate "$rate" \
        --weight-decay "$decay" --sweep-runs 0 --out "$5" --json
}

seconds() { # command...: wall seconds
    local start
    start=$(date +%s.%N)
    "$@" >&2
    echo "$(date +%s.%N) $start" | awk '{ printf "%.3f", $1 - $2 }'
}

for part in $parts; do
    echo "== $part"
    case $part in
    agree)
        needs "$sheet"
        for device in cpu cuda; do
            scenarios "$device" 3x100 4 5% "$out/agree-$device" >/dev/null
        done
        "$python" - "$out" <<'PY'
import csv, json, sys
def rows(device):
    return list(csv.DictReader(open(f"{sys.argv[1]}/agree-{device}/records.csv")))
cpu, gpu = rows("cpu"), rows("cuda")
assert len(cpu) == len(gpu) > 0
away = [abs(int(a["right"]) - int(b["right"])) for a, b in zip(cpu, gpu)]
result = {"counts": len(away), "largest difference in rows": max(away), "rows": sorted({int(a["rows"]) for a in cpu}),
          "pairs": [[a["run"], a["method"], a["split"], int(a["right"]), int(b["right"])] for a, b in zip(cpu, gpu)]}
json.dump(result, open(f"{sys.argv[1]}/agree.json", "w"), indent=1)
print({key: result[key] for key in ("counts", "largest difference in rows", "rows")})
PY
        ;;
    ours)
        needs "$sheet"
        echo "{" >"$out/ours.json"
        for size in 2x50 3x100 5x250; do
            time=$(seconds scenarios cuda "$size" 100 0.25%,1%,2.5%,5%,7.5%,10% "$out/run-$size")
            echo "$size: $time s for 600 scenarios, reading the sheet included"
            echo "\"$size\": { \"seconds\": $time, \"scenarios\": 600 }$([ "$size" = 5x250 ] || echo ,)" >>"$out/ours.json"
        done
        echo "}" >>"$out/ours.json"
        ;;
    peer)
        needs "$peer" "${FEATURES:?"the folder with X_train.npy and y_train.npy"}/X_train.npy"
        for hidden in 50,50 100,100,100 250,250,250,250,250; do
            echo "$hidden"
            "$python" "$peer" "$FEATURES/X_train.npy" "$FEATURES/y_train.npy" --hidden "$hidden" --scenarios 3 --device cuda \
                --error-rate 0.05 | tee "$out/peer-$hidden.txt"
        done
        ;;
    floor)
        "$python" benchmarks/gpu_floor.py "$out"
        ;;
    *)
        echo "error: \`$part\` is no part" >&2
        exit 2
        ;;
    esac
done
echo "raw numbers: $out"
