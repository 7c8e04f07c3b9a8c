#!/usr/bin/env bash
# The forgetting benchmark behind docs/results-forget.md: bash benchmarks/forget.sh OUT_FOLDER [bench options...]
# CIFAR-10 from RECANT_DATA (an official folder or archive there, else the mosaics that cifar_unpack.py unpacks; needs Pillow and numpy), a
# release build (RECANT=...). Reduced for two cores: 10,000 training and 2,000 test images, seven epochs (ROWS, EPOCHS), one class and 1 % of the
# images at random (TASKS). Goes on where it stopped.
set -euo pipefail
recant=$(realpath "${RECANT:-target/release/recant}")
data=$(realpath "${RECANT_DATA:-../shared/data}")
mkdir -p "$1" && cd "$1" && shift
cifar=$data
if [ ! -e "$data/cifar-10-binary.tar.gz" ] && [ ! -e "$data/cifar-10-batches-bin" ]; then
  cifar=$PWD/cifar
  [ -s cifar/test_batch.bin ] || "${PYTHON:-python3}" "$data/cifar_unpack.py" cifar10 cifar
fi
"$recant" bench forget --data "$cifar" --dataset cifar10 --network resnet9 --task "${TASKS:-class:ship,random:1%}" --methods all --seeds 1 --seed 2026 \
  --rows "${ROWS:-10000}" --test-rows 2000 --membership-rows 2000 --epochs "${EPOCHS:-7}" --augment crop-flip --learning-rate 0.05 --out cifar10-resnet9 "$@"
