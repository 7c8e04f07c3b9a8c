#!/usr/bin/env bash
# Runs the Windows program under wine: the whole job, and what Windows is particular about. Ends with `N passed, M failed`.
# usage: scripts/windows_check.sh [recant.exe]     without a program: builds one in target/windows first
# Debian: gcc-mingw-w64-x86-64 and wine64; Rust: rustup target add x86_64-pc-windows-gnu
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
target=x86_64-pc-windows-gnu
program=${1:-}
if [ -z "$program" ]; then
  (cd "$root" && CARGO_TARGET_DIR=target/windows cargo build --bin recant --target "$target") || exit 1
  program="$root/target/windows/$target/debug/recant.exe"
fi
program=$(realpath "$program")
wine=$(command -v wine64 || command -v /usr/lib/wine/wine64 || command -v wine) || { echo "no wine: install wine64" >&2; exit 1; }
work=$(mktemp -d)
export LC_ALL=C.UTF-8 WINEPREFIX=${WINEPREFIX:-$work/prefix} WINEDEBUG=-all
trap '"$wine" wineboot --kill >/dev/null 2>&1; sleep 2; rm -rf "$work"' EXIT
cd "$work" || exit 1

# What no command of a shell does: hold a file as Excel does.
cat >helper.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>
int wmain(int count, wchar_t **words) {
  if (count != 3) return 2;
  HANDLE file = CreateFileW(words[1], GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
  if (file == INVALID_HANDLE_VALUE) return 1;
  printf("held\n");
  fflush(stdout);
  Sleep(1000 * _wtoi(words[2]));
  return 0;
}
C
x86_64-w64-mingw32-gcc -municode -o helper.exe helper.c || exit 1

# Windows has a library for random bytes that older wine (8.0, say) lacks: its own generator stands in.
mkdir program && cp "$program" program/recant.exe && program="$work/program/recant.exe"
"$wine" "$program" --version >/dev/null 2>&1
if [ $? = 53 ]; then
  cat >random.c <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID bytes, ULONG count);
__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *bytes, SIZE_T count) { return SystemFunction036(bytes, (ULONG)count); }
C
  x86_64-w64-mingw32-gcc -shared -o program/bcryptprimitives.dll random.c -ladvapi32 || exit 1
  echo "this wine has no bcryptprimitives.dll: one with its ProcessPrng was made"
fi

passed=0
failed=0
recant() { "$wine" "$program" "$@" <"/dev/null" >out.txt 2>err.txt; }
windows_path() { echo "Z:${1//\//\\}"; }
# expect NAME CODE [TEXT [FILE]]: the last command ended with CODE, and its output has TEXT
expect() {
  local code=$? name=$1 wanted=$2 text=${3:-}
  if [ "$code" = "$wanted" ] && { [ -z "$text" ] || grep -qF -- "$text" out.txt err.txt; }; then
    passed=$((passed + 1))
    echo "ok      $name"
  else
    failed=$((failed + 1))
    echo "FAILED  $name: exit code $code instead of $wanted${text:+, looked for \`$text\`}"
    tail -n 8 out.txt err.txt
  fi
}

recant --version; expect "version" 0 "recant "
folder="Aufträge im März"
mkdir "$folder"
recant generate --rows 4000 --out "$folder/Bestellungen 1.csv"; expect "generate into a folder with blanks and umlauts" 0
recant inspect "$folder/Bestellungen 1.csv"; expect "inspect" 0 "Delivery Status"
recant inspect "$(windows_path "$work/$folder/Bestellungen 1.csv")" --json; expect "a path with a drive and backslashes" 0 '"rows":4000'
sed 's/$/\r/' "$folder/Bestellungen 1.csv" >crlf.csv
recant inspect crlf.csv --json; expect "lines that end with CR LF" 0 '"rows":4000'
recant generate --rows 4000 --out orders.xlsx; expect "an Excel file written" 0
recant inspect orders.xlsx --json; expect "an Excel file read" 0 '"rows":4000'
recant train "$folder/Bestellungen 1.csv" --epochs 4 --out "$folder/Modell für's Lager"; expect "train" 0
test -s "$folder/Modell für's Lager/model.json"; expect "the model folder" 0
recant train "$folder\\Bestellungen 1.csv" --epochs 4 --out "$folder\\Modell für's Lager"; expect "a model folder is never replaced" 2 "exists"
recant inject "$folder/Bestellungen 1.csv" --rate 10% --out trial; expect "inject" 0
recant train trial/corrupted.csv --epochs 4 --out model; expect "train on wrong rows" 0
recant repair --model model --flags trial/flags.csv --data trial/corrupted.csv --method assd --resamples 200 --out repaired; expect "repair" 0
test -s repaired/report/report.html -a -s repaired/report/report.xlsx; expect "the report" 0
recant generate --rows 200 --next-week --out next-week.xlsx; expect "next week" 0
recant predict next-week.xlsx --model repaired --out predictions.xlsx; expect "predict an Excel file into another" 0
recant inspect predictions.xlsx --json; expect "predictions can be read back" 0 '"rows":200'

deep="$work"
for level in 1 2 3 4 5 6; do deep="$deep/a folder with a rather long name, as people have them, level $level"; done
mkdir -p "$deep"
recant generate --rows 2000 --out "$deep/orders.csv"; expect "write at a path of ${#deep} letters" 0
recant train "$deep/orders.csv" --epochs 2 --out "$deep/model"; expect "train at such a path" 0
recant predict "$(windows_path "$deep/orders.csv")" --model "$(windows_path "$deep/model")" --out "$(windows_path "$deep/predictions.csv")"; expect "predict there, with a drive and backslashes" 0
test -s "$deep/predictions.csv"; expect "its predictions" 0

before=$(sha256sum predictions.xlsx)
"$wine" helper.exe predictions.xlsx 60 >held.txt 2>/dev/null &
holder=$!
for _ in $(seq 50); do grep -q held held.txt && break; sleep 0.2; done
recant predict next-week.xlsx --model repaired --out predictions.xlsx --force; expect "a file that another program holds is not replaced" 2 "close it where it is open"
recant inspect predictions.xlsx; expect "nor read" 2 "another program has it open"
kill "$holder" 2>/dev/null; wait "$holder" 2>/dev/null
[ "$before" = "$(sha256sum predictions.xlsx)" ]; expect "it is as it was" 0
[ -z "$(find . -maxdepth 1 -name '.*recant*' -print)" ]; expect "no temporary file is left" 0

# The key is pressed on a terminal, once training has begun.
(sleep 8; printf '\003'; sleep 4) | SHELL=/bin/sh script -qec "'$wine' '$program' train '$folder/Bestellungen 1.csv' --recipe paper --network 5x250 --epochs 5000 --out stopped" /dev/null >out.txt 2>err.txt
(exit "${PIPESTATUS[1]}")
expect "Ctrl-C ends with 130" 130
[ ! -e stopped ]; expect "nothing half-written after Ctrl-C" 0
recant demo --out demo; expect "demo" 0
test -s demo/report.html; expect "the demo's report" 0
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
