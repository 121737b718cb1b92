#!/usr/bin/env bash
# Checks with stock tools alone (openssl, xxd, coreutils) that a desk's log continues the
# one of an earlier checkpoint. Nothing of this project is run, so it is a second opinion.
#
#   scripts/check-growth.sh KEY.pem EARLIER CONSISTENCY
#   scripts/check-growth.sh KEY.pem EARLIER LATER
#
# KEY.pem is the log's key, EARLIER a checkpoint that was kept, CONSISTENCY what
# GET /v1/log/consistency/M/N of the desk says. With a second checkpoint in its place, as
# "unbindctl status --json" has two under log.doubt, both signatures are checked: two of
# one size with two roots need no proof, for two others the desk has to be asked for it.
# Exit code 0: it continues. 1: it does not, or a signature does not fit. 2: a wrong call, or a key or
# an openssl that cannot check one.
# 3: both are signed, and only the desk can say whether one continues the other.
set -euo pipefail
export LC_ALL=C

unable() { echo "check-growth: $*" >&2; exit 2; }
fail() { echo "FAILED  $*"; exit 1; }
[ $# -eq 3 ] || unable "usage: check-growth.sh KEY.pem EARLIER CONSISTENCY|LATER"
for file; do [ -f "$file" ] || unable "$file is not there"; done
[[ $(openssl pkey -pubin -noout -text -in "$1" 2>&1) == *ED25519* ]] || unable "$1 is no public key of Ed25519"
[[ $(openssl pkeyutl -help 2>&1) == *-rawin* ]] || unable "this openssl cannot check such a signature: it does not know -rawin"
key=$1 earlier=$2 tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# node LEFT RIGHT: an inner hash, in hex.
node() { printf '01%s%s' "$1" "$2" | xxd -r -p | sha256sum | cut -c1-64; }
hex() { printf %s "$1" | base64 -d 2>/dev/null | xxd -p -c 64 | grep -x '[0-9a-f]\{64\}'; }
size() { sed -n 2p "$1"; }
root() { hex "$(sed -n 3p "$1")"; }

# signed FILE: three lines, an empty one, and among the signatures the log's.
signed() {
  local line
  head -n 3 "$1" >"$tmp/said"
  [ -z "$(sed -n 4p "$1")" ] || fail "$1 is no checkpoint"
  [[ $(size "$1") =~ ^(0|[1-9][0-9]{0,17})$ ]] || fail "the size in $1 is none"
  while read -r line || [ -n "$line" ]; do
    printf %s "$line" | base64 -d 2>/dev/null | tail -c +5 >"$tmp/sig" || continue # of a witness
    openssl pkeyutl -verify -rawin -pubin -inkey "$key" -in "$tmp/said" -sigfile "$tmp/sig" >"$tmp/verified" 2>&1 && return
  done < <(sed -n 's/^\xe2\x80\x94 [^ ]* //p' "$1")
  fail "$1 is not signed by the log's key"
}

later=$3 path=()
if [[ $(head -n 1 "$3") == "old "* ]]; then
  sed '1,/^$/d' "$3" >"$tmp/later"
  later=$tmp/later
  mapfile -t path < <(sed '1d;/^$/,$d' "$3")
fi
signed "$earlier"
signed "$later"
[ "$(head -n 1 "$earlier")" = "$(head -n 1 "$later")" ] || fail "they are of two logs"
m=$(size "$earlier") n=$(size "$later")
first=$(root "$earlier") && second=$(root "$later") || fail "a root is no hash"
[ "$later" = "$3" ] || [ "$(head -n 1 "$3")" = "old $m" ] || fail "the proof is for another size than $m"
if [ "$m" = "$n" ]; then
  [ "$first" = "$second" ] || fail "the log's key has signed two logs of $m leaves"
  [ "${#path[@]}" -eq 0 ] || fail "the proof is too long"
  echo "ok      both are of the same $m leaves"
  exit
fi
if [ "$later" = "$3" ]; then
  echo "signed  logs of $m and $n leaves: ask the desk for the proof that one continues the other"
  exit 3
fi
[ "$m" -gt 0 ] && [ "$m" -lt "$n" ] || fail "a log of $n leaves does not continue one of $m"

# RFC 9162, 2.1.4.2.
hashes=()
[ $((m & (m - 1))) -ne 0 ] || hashes=("$first")
for hash in "${path[@]}"; do
  hash=$(hex "$hash") || fail "a line of the proof is no hash"
  hashes+=("$hash")
done
[ "${#hashes[@]}" -gt 0 ] || fail "the proof is empty"
fn=$((m - 1)) sn=$((n - 1))
while [ $((fn & 1)) -eq 1 ]; do fn=$((fn >> 1)) sn=$((sn >> 1)); done
fr=${hashes[0]} sr=${hashes[0]}
for c in "${hashes[@]:1}"; do
  [ "$sn" -ne 0 ] || fail "the proof is too long"
  if [ $((fn & 1)) -eq 1 ] || [ "$fn" -eq "$sn" ]; then
    fr=$(node "$c" "$fr") sr=$(node "$c" "$sr")
    while [ $((fn & 1)) -eq 0 ] && [ "$fn" -ne 0 ]; do fn=$((fn >> 1)) sn=$((sn >> 1)); done
  else
    sr=$(node "$sr" "$c")
  fi
  fn=$((fn >> 1)) sn=$((sn >> 1))
done
[ "$sn" -eq 0 ] || fail "the proof is too short"
[ "$fr" = "$first" ] || fail "the proof does not begin at the log of $m leaves"
[ "$sr" = "$second" ] || fail "the proof does not lead to the log of $n leaves"
echo "ok      the log of $n leaves continues the one of $m"
