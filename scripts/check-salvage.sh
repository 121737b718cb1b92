#!/usr/bin/env bash
# Checks what "unbindd ledger export" saved with stock tools alone: age, zstd, jq,
# openssl and coreutils.
#
#   scripts/check-salvage.sh IDENTITY FILE
#
# Prints what is in it and what is missing. Exit code 0: it is as it says, 1: it
# is not, 2: it could not be looked at.
set -euo pipefail
export LC_ALL=C

fail() { echo "check-salvage: $*" >&2; exit 1; }
[ $# -eq 2 ] || { echo "usage: check-salvage.sh IDENTITY FILE" >&2; exit 2; }
for tool in age zstd jq openssl sha256sum xxd; do
  command -v "$tool" >/dev/null || { echo "check-salvage: $tool is missing" >&2; exit 2; }
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

age -d -i "$1" "$2" | zstd -dq > "$tmp/plain" || fail "it does not open"
head -n 1 "$tmp/plain" > "$tmp/header"
tail -n 1 "$tmp/plain" > "$tmp/trailer"
sed '1d;$d' "$tmp/plain" > "$tmp/lines"
said() { jq -re "$1" "$tmp/trailer"; }

[ "$(jq -r .kind "$tmp/header")" = unbindd-salvage ] || fail "it is no salvage"
[ "$(said .sha256)" = "$(head -n -1 "$tmp/plain" | sha256sum | cut -d' ' -f1)" ] || fail "the digest of the lines"
[ "$(said .count)" = "$(wc -l < "$tmp/lines")" ] || fail "the number of lines"

# The chain, from the header's value on; behind a hole it begins anew.
before=$(jq -r .prev "$tmp/header") next=1 last=0
: > "$tmp/missing"
while IFS= read -r line; do
  seq=$(jq .t.seq <<< "$line")
  chain=${line:6:64}
  if [ "$seq" -gt "$next" ]; then
    echo "{\"first\":$next,\"last\":$((seq - 1))}" >> "$tmp/missing"
  else
    record=${line:76} # behind {"c":"<64>","t":
    [ "$seq" -eq "$next" ] || fail "record $seq is out of order"
    [ "$chain" = "$({ xxd -r -p <<< "$before"; printf %s "${record%\}}"; } | openssl dgst -sha256 -r | cut -d' ' -f1)" ] || fail "the chain at record $seq"
  fi
  before=$chain next=$((seq + 1)) last=$seq
done < "$tmp/lines"
[ "$(said .head)" = "sha256:$before" ] && [ "$(said .last)" = "$last" ] || fail "the head"
[ "$(jq -c --argjson last "$last" '[.missing[] | select(.first <= $last)]' "$tmp/trailer")" = "$(jq -cs . "$tmp/missing")" ] || fail "what is missing"
[ "$(jq -cS .sums "$tmp/trailer")" = "$(jq -cSs '[.[].t | select(.stan)] | group_by(.currency, .kind, .result)
  | map({amount: (map(.amount) | add), count: length, currency: .[0].currency, kind: .[0].kind, result: .[0].result})' "$tmp/lines")" ] || fail "the sums"

echo "$(said .count) records, the last of them number $last; missing: $(jq -r '[.missing[] | if .first == .last then "\(.first)" else "\(.first)-\(.last)" end] | join(", ") | if . == "" then "none" else . end' "$tmp/trailer")"
