#!/usr/bin/env bash
# Assembles the libraries that a Recant built with `--features cuda` opens at run time (NVRTC and cuBLAS, with their headers) from the
# wheels that NVIDIA publishes on PyPI, for machines without a CUDA toolkit. NVIDIA's driver must be installed on its own.
#
#   bash scripts/cuda_libraries.sh FOLDER [13|12]
#
# 13 (the default) needs a driver from 580 on; 12 works with drivers from 525 on. Needs Python 3 with pip; about 1 GB of disk
# (2 GB while it works). Nothing outside FOLDER is changed.
set -euo pipefail

folder=${1:?"usage: bash scripts/cuda_libraries.sh FOLDER [13|12]"}
generation=${2:-13}
python=${PYTHON:-python3}

case $generation in
13) wheels=(nvidia-cuda-nvrtc==13.0.88 nvidia-cublas==13.1.0.3) ;;
12) wheels=(nvidia-cuda-nvrtc-cu12==12.8.93 nvidia-cublas-cu12==12.8.4.1) ;;
*)
    echo "error: the generation is \`$generation\`, and must be 13 or 12" >&2
    exit 2
    ;;
esac
if [ "$(uname -s)" != Linux ]; then
    echo "error: this script is for Linux; elsewhere install NVIDIA's CUDA toolkit" >&2
    exit 2
fi
if ! "$python" -m pip --version >/dev/null 2>&1; then
    echo "error: \`$python -m pip\` does not work; install pip, or name another Python: PYTHON=/path/to/python3" >&2
    exit 2
fi
if [ -e "$folder/lib" ]; then
    echo "error: $folder/lib is there already; choose another folder or move it away" >&2
    exit 2
fi

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
work=$(mktemp -d "$folder/.unpacking.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$python" -m pip download --quiet --no-deps --only-binary=:all: --dest "$work" "${wheels[@]}"
mkdir "$work/lib" "$work/include"
for wheel in "$work"/*.whl; do
    "$python" -m zipfile -e "$wheel" "$work/unpacked"
    rm "$wheel"
done
# The wheels of generation 13 share one folder (nvidia/cu13), those of 12 have one each (nvidia/cuda_nvrtc, nvidia/cublas).
find "$work/unpacked/nvidia" -path '*/lib/*' -name '*.so*' -exec mv -t "$work/lib" {} +
find "$work/unpacked/nvidia" -maxdepth 2 -name include -exec cp -r {}/. "$work/include" \;
for needed in libnvrtc.so libnvrtc-builtins.so libcublas.so libcublasLt.so; do
    if ! compgen -G "$work/lib/$needed*" >/dev/null; then
        echo "error: the wheels hold no $needed" >&2
        exit 1
    fi
done
mv "$work/lib" "$work/include" "$folder/"

echo "The libraries lie in $folder/lib. Before Recant is started:"
echo
echo "export RECANT_CUDA_LIBRARIES=$folder/lib"
echo
echo "recant doctor   # tells whether all is found"
