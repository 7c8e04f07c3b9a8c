#!/usr/bin/env bash
# Speed against the pandas and PyTorch peers, in turns in one run on the same cores: bash benchmarks/run.sh [OUT_FOLDER]
# Needs Python with pandas, numpy and torch (PYTHON=...), the DataCo sheet below RECANT_DATA and the peers' scripts in RECANT_PEERS.
# On a machine that also does other work: REALTIME=--realtime (as root).
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
data=${RECANT_DATA:-../shared/data}
peers=${RECANT_PEERS:-../shared/reference}
out=${1:-benchmarks/$(date +%F)-$(nproc)-cores}
target=${CARGO_TARGET_DIR:-target}
sheet=$data/dataco/DataCoSupplyChainDataset.csv.gz
[ -s "$sheet" ] || { echo "skipped: $sheet is not there (set RECANT_DATA)"; exit 0; }
cargo build --release --bin recant --example features_speed --example engine_speed
mkdir -p "$out"
echo "== reading and features against pandas"
"$python" benchmarks/features_speed.py --sheet "$sheet" --peer "$peers/pandas_features.py" --engine "$target/release/examples/features_speed" \
  --program "$target/release/recant" --out "$out/features.json" --whole-job ${REALTIME:-}
echo "== training and dampening against PyTorch"
features=$(mktemp -d)
trap 'rm -rf "$features"' EXIT
"$python" "$peers/pandas_features.py" "$sheet" "$features"
"$python" benchmarks/engine_speed.py --data "$features" --peer "$peers/torch_scenarios.py" --engine "$target/release/examples/engine_speed" \
  --out "$out/engine.json" ${REALTIME:-}
echo "raw numbers: $out"
