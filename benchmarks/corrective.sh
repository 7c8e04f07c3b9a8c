#!/usr/bin/env bash
# The corrective study behind docs/results-corrective.md: bash benchmarks/corrective.sh OUT_FOLDER [PART...]
# Needs the DataCo sheet below RECANT_DATA and a release build (RECANT=...). Every part goes on where it stopped; RUNS=2 adds a repetition.
# Parts: dataco made-up dataco-ways made-up-ways all-known uniform few few-dataco false search recipes; all of them where none is named. Then: python3 benchmarks/corrective_targets.py OUT_FOLDER
set -euo pipefail
recant=$(realpath "${RECANT:-target/release/recant}")
dataco=$(realpath "${RECANT_DATA:-../shared/data}/dataco/DataCoSupplyChainDataset.csv.gz")
mkdir -p "$1" && cd "$1" && shift
runs=${RUNS:-1}
# Made-up orders, without the three columns that are near copies of the label.
[ -s orders-without-copies.csv ] || {
  "$recant" generate --rows 40000 --signal 1.5 --seed 4 --complete-share 100% --out generated.csv
  python3 - <<'P'
import csv
rows = csv.reader(open("generated.csv", encoding="latin-1", newline=""))
names = next(rows)
kept = [i for i, name in enumerate(names) if name not in ("Late_delivery_risk", "Delivery Status", "shipping date (DateOrders)")]
out = csv.writer(open("orders-without-copies.csv", "w", encoding="latin-1", newline=""))
out.writerow([names[i] for i in kept])
out.writerows([row[i] for i in kept] for row in rows)
P
}
published=retrain,finetune,cf,assd,ssd,lfssd,scrub,badt,neggrad-plus
uses=expand+retrain,expand-relabel+retrain,expand+cf:3,expand-relabel+finetune:3,expand-relabel+cf:3,expand-relabel+assd+finetune,expand-relabel+assd+cf:3
core=retrain,expand-relabel+retrain,expand-draw+retrain,expand-draw+cf:3
study() { out=$1; shift; "$recant" bench corrective --seed 2026 --quiet --runs "$runs" --out "$out" "$@"; }
on_dataco() {
  out=$1; shift
  study "$out" --sheet "$dataco" --profile dataco-paper \
    --kind 'segment:"Order Region" = "Central America" and "Shipping Mode" = "Second Class": late -> on time, 90%' \
    --kind 'segment:"Customer Segment" = "Home Office" and Market = LATAM: late -> on time, 80%' \
    --kind 'segment:"Department Name" = Golf: on time -> late, 80%' \
    --kind 'segment:"Order Item Quantity" >= 4 and "Shipping Mode" = "Standard Class": late -> early, 80%' \
    --kind 'segment:Market = "Pacific Asia" and "Customer Segment" in (Corporate, "Home Office"): late -> on time, 75%' \
    --kind 'segment:Market = Europe and "Shipping Mode" = "First Class": late -> on time, 80% & segment:Market = Africa and "Shipping Mode" = "Standard Class": late -> early, 80%' "$@"
}
on_made_up() {
  out=$1; shift
  study "$out" --sheet orders-without-copies.csv --profile dataco \
    --kind 'segment:Market = Europe and "Shipping Mode" = "Standard Class": late -> early, 80%' \
    --kind 'segment:"Customer Segment" = Consumer and Market = "Pacific Asia": late -> on time, 75%' \
    --kind 'segment:"Department Name" = Golf and "Shipping Mode" in ("Second Class", "First Class"): late -> on time, 90%' \
    --kind 'segment:"Order Item Quantity" >= 4 and Market = Africa: late -> early, 90%' \
    --kind 'segment:Market = USCA and "Department Name" = "Fan Shop": early -> late, 85%' \
    --kind 'segment:"Order Region" = "Central America" and "Shipping Mode" = "Standard Class": late -> on time, 80% & segment:Market = Europe and "Customer Segment" = Corporate: early -> on time, 60%' "$@"
}
few="--known 1%,3% --no-search --methods retrain,expand-relabel+retrain,expand-draw+retrain"
for part in ${*:-dataco made-up dataco-ways made-up-ways all-known uniform few few-dataco false search recipes}; do
  case $part in
  dataco) on_dataco dataco-paper --known 10%,30% --no-search --methods $core ;;
  made-up) on_made_up made-up --known 10%,30% --no-search --methods $core ;;
  dataco-ways) on_dataco dataco-paper-ways --known 10%,30% --no-search --methods $published,$uses ;;
  made-up-ways) on_made_up made-up-ways --known 10%,30% --no-search --methods $published,$uses ;;
  all-known) on_made_up made-up-all-known --known 100% --no-search --methods $published ;;
  few) on_made_up made-up-few $few ;;
  few-dataco) on_dataco dataco-paper-few $few ;;
  false) on_made_up made-up-false --known 10%,30% --false-flags 0.2 --no-search --methods $core ;;
  search) on_made_up made-up-search --known 10%,30% --methods ssd,lfssd,scrub,badt,neggrad-plus ;;
  recipes)
    # The same errors and methods for models of three kinds of training.
    for training in "paper 2x50" "standard 2x50" "standard 4 of 2x50"; do
      options=(--recipe "${training%% *}" --network "${training#* }" --known 30%,100% --no-search --methods "$published,potion")
      on_made_up "recipes-${training// /-}" "${options[@]}"
      study "recipes-uniform-${training// /-}" --sheet orders-without-copies.csv --profile dataco --kind uniform --rate 5%,10% "${options[@]}"
    done
    ;;
  uniform)
    noise="--kind uniform --rate 2%,5% --known 10%,30% --no-search --methods retrain,expand+retrain"
    study dataco-paper-uniform --sheet "$dataco" --profile dataco-paper $noise
    study made-up-uniform --sheet orders-without-copies.csv --profile dataco $noise
    ;;
  *) echo "no part $part" >&2 && exit 2 ;;
  esac
done
