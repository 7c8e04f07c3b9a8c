#!/bin/sh
# The one command that every part of a batch runs; all ways of spreading it over machines call this file.
# usage: batch.sh RUN SHARD     SHARD: 3/8, auto/8 (inside an array job) or all
# Settings come from the environment, so that all parts have the same: SHEET, and SCENARIOS (the options of `recant scenarios`).
set -eu
exec "${RECANT:-recant}" scenarios "$SHEET" ${SCENARIOS:---profile dataco-paper --sizes 2x50,3x100,5x250} \
    --shard "$2" --out "$1" --threads "${THREADS:-1}" --quiet
