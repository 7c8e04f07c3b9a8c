#!/usr/bin/env bash
# The image networks on one NVIDIA GPU, beside PyTorch on the same GPU in the same session. Each part but `train` ends within ten minutes on an
# H100 or H200.
#
#   bash benchmarks/gpu_images.sh OUT_FOLDER [agree] [ours] [peer] [table] [train]        (the first four unless named)
#
# agree   five training steps of ResNet-9 and ResNet-18 on the processor and on the GPU: losses side by side
# ours    images/s: ResNet-9 and ResNet-18, batch 512, in f32, tf32 and bf16
# peer    the same by PyTorch, channels last: f32, tf32, AMP with bf16, and that compiled; matrix rates and bandwidth
# table   ours over the peer's, and the floor, from what lies in OUT_FOLDER
# train   CIFAR-10 whole: ResNet-9 in 4,000 steps of 512 and ResNet-18 in its published 20 epochs, then random forgetting with three models
#
# Variables: SPEED (the built example image_speed) and RECANT (the program), both with --features cuda; PYTHON (with torch); CIFAR (the folder
# of the official files, for `train`).
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:?"usage: bash benchmarks/gpu_images.sh OUT_FOLDER [agree] [ours] [peer] [table] [train]"}
shift
parts=${*:-agree ours peer table}
speed=${SPEED:-target/release/examples/image_speed}
recant=${RECANT:-target/release/recant}
python=${PYTHON:-python3}
device=${DEVICE:-cuda}
batch=${BATCH:-512}
rounds=${ROUNDS:-100}
mkdir -p "$out"

for part in $parts; do
    echo "== $part"
    case $part in
    agree)
        for network in resnet9 resnet18; do
            for where in cpu "$device"; do
                "$speed" --network "$network" --batch 32 --images 512 --rounds 1 --rows yes --device "$where" --threads "$(nproc)" \
                    >"$out/agree-$network-$([ "$where" = cpu ] && echo cpu || echo gpu).json"
            done
        done
        "$python" - "$out" <<'PY'
import json, sys
for network in ("resnet9", "resnet18"):
    cpu, gpu = (json.load(open(f"{sys.argv[1]}/agree-{network}-{device}.json")) for device in ("cpu", "gpu"))
    away = max(abs(a - b) / a for a, b in zip(cpu["losses"], gpu["losses"]))
    print(f"{network} on {gpu['device']}: five losses, largest difference {away:.1e} of the loss")
PY
        ;;
    ours)
        for network in resnet9 resnet18; do
            for precision in f32 tf32 bf16; do
                "$speed" --network "$network" --batch "$batch" --images "$((batch * 8))" --rounds "$rounds" --device "$device" \
                    --precision "$precision" --threads "$(nproc)" | tee "$out/ours-$network-$precision.json"
            done
        done
        ;;
    peer)
        "$python" benchmarks/gpu_images.py --out "$out/peer.json" --batch "$batch" --rounds "$rounds" --rates
        ;;
    table)
        "$python" - "$out" <<'PY'
import json, pathlib, sys
out = pathlib.Path(sys.argv[1])
peer = json.loads((out / "peer.json").read_text())
# Operations of one image forward (2 for each multiplication and addition), by convolution: outputs x plane x window.
convolutions = {
    "resnet9": [(64, 1024, 27), (128, 256, 1600), (128, 256, 1152), (128, 256, 1152), (256, 256, 1152), (256, 64, 2304), (256, 64, 2304), (128, 36, 2304)],
    "resnet18": [(64, 1024, 27)] + [(64, 1024, 576)] * 4 + [(128, 256, 576), (128, 256, 64)] + [(128, 256, 1152)] * 3
        + [(256, 64, 1152), (256, 64, 128)] + [(256, 64, 2304)] * 3 + [(512, 16, 2304), (512, 16, 256)] + [(512, 16, 4608)] * 3,
}
result = {"device": peer["device"], "torch": peer["torch"], "networks": {}}
for network, layers in convolutions.items():
    # A step computes each product three times, but for the first layer's backward pass to the images.
    forward = 2 * sum(a * b * c for a, b, c in layers)
    step = 3 * forward - 2 * layers[0][0] * layers[0][1] * layers[0][2]
    for precision in ("f32", "tf32", "bf16"):
        path = out / f"ours-{network}-{precision}.json"
        if not path.exists():
            continue
        ours = json.loads(path.read_text())
        rates = [rate for name, rate in peer.get("matrix rates", {}).items() if name.startswith(precision + " ")]
        entry = {"ours, images/s": ours["sustained_step_images_per_second"], "operations of a step and image": step}
        theirs = {way: found for way, found in peer["networks"].get(network, {}).items() if way.split("-")[0] == precision and "failed" not in found}
        for way, found in theirs.items():
            entry[f"peer {way}, images/s"] = found["sustained_step_images_per_second"]
            entry[f"ours over peer {way}"] = entry["ours, images/s"] / found["sustained_step_images_per_second"]
        if rates:
            entry["images/s if products alone ran at the best measured matrix rate"] = max(rates) / step
        result["networks"].setdefault(network, {})[precision] = entry
(out / "table.json").write_text(json.dumps(result, indent=1) + "\n")
print(json.dumps(result, indent=1))
PY
        ;;
    train)
        cifar=${CIFAR:?"the folder of the official CIFAR-10 files"}
        "$recant" bench forget --data "$cifar" --dataset cifar10 --network resnet9 --steps 4000 --augment crop-flip --batch 512 \
            --learning-rate 0.025 --task random --methods assd,ssd,finetune,retrain --seeds 1 --device "$device" --precision "${PRECISION:-bf16}" \
            --out "$out/resnet9"
        "$recant" bench forget --data "$cifar" --table 3 --methods assd,ssd,finetune,retrain --seeds 3 --device "$device" \
            --precision "${PRECISION:-bf16}" --out "$out/table-3"
        ;;
    *)
        echo "error: \`$part\` is no part" >&2
        exit 2
        ;;
    esac
done
echo "raw numbers: $out"
