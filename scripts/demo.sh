#!/usr/bin/env bash
# Runs one whole unbinding on this machine with real programs: a desk, a ticket
# signer, a card reader behind a serial line, the terminal's daemon and its tool.
# Then checks what came of it, with our tools and with stock ones, and leaves the
# case in demo-out/. Needs bin/ (make build). Nothing listens outside loopback,
# everything else lives in a private folder that is gone at the end.
set -euo pipefail
export LC_ALL=C
SECONDS=0
cd "$(dirname "$0")/.."
bin=$PWD/bin
result=$PWD/demo-out
for program in unbindd unbindctl unbind-desk readersim; do
  [ -x "$bin/$program" ] || { echo "demo: bin/$program is not there; run: make build" >&2; exit 1; }
done
# Sockets live in it, whose names may not be long: not below this folder.
work=$(mktemp -d /tmp/unbindd-demo.XXXXXX)
mkdir "$work/log"
# shellcheck source=scripts/demo/parts.sh
. scripts/demo/parts.sh
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

desk() { local verb=$1; shift; show "$bin/unbind-desk" "$verb" --dir "$work/desk" "$@"; }
sign() { show "$bin/unbind-desk" sign --key "$work/desk/keys/$1.pem" "$work/command.json"; }
ctl() { "$bin/unbindctl" --socket "$work/terminal.sock" "$@"; }

sales=2000
terminal=T-30041877
serial=SN-0086-4417
reader=PED-0001
merchant=898301000004417
canary=RRNCANARY7Q9 # looked for after the erase

section "1. A payment application: the files that the terminal will have to erase"
mkdir -p "$work"/pos/{data/cache,log,bin,keep}
for file in data/orders.db data/cache/last export-1.csv export-2.csv log/pos.log operator.pin bin/pos keep/other.txt; do
  printf "$canary %s\n" {1..300} >"$work/pos/$file"
done
(cd "$work/pos" && find . -type f | sort) | indent
echo "  keep/other.txt is in nobody's inventory: it must be there at the end."

section "2. The desk: keys of people, trust, inventory; then it serves, its ticket signer beside it"
inventory=("app-data=$work/pos/data" "exports=$work/pos/export-*.csv" "logs=$work/pos/log"
  "credentials=$work/pos/operator.pin" "software=$work/pos/bin")
desk init "${inventory[@]/#/--inventory=}"
anchor=$(cat "$work/desk/anchor.txt") # told to the terminal's people over another way
start desk "ready " "$bin/unbind-desk" serve --dir "$work/desk"
echo "  the desk serves at $said"
start tickets "ready" "$bin/unbind-desk" tickets --dir "$work/desk" --key "$work/desk/keys/reader-1.pem" --every 200ms
echo "  the ticket signer runs: a process of its own, with the only key that a reader obeys"

section "3. The serial line and the card reader at its end, with $sales transactions to hand over"
start socat "starting data transfer loop" bash -c 'exec socat -d -d "$@" 2>&1' socat \
  "pty,raw,echo=0,link=$work/line-terminal" "pty,raw,echo=0,link=$work/line-reader"
echo "  socat joins two ttys, line-terminal and line-reader"
openssl pkey -in "$work/desk/keys/reader-1.pem" -pubout -out "$work/ticket-key.pem"
show "$bin/readersim" init --nvm "$work/reader.nvm" --serial "$reader" --ticket-key "$work/ticket-key.pem" --out "$work/reader.json"
start readersim "ready " "$bin/readersim" run --nvm "$work/reader.nvm" --tty "$work/line-reader" \
  --generate "$sales" --tid 30041877 --mid "$merchant" --batch 000001 --close-batch --canary "$canary"
echo "  reader $reader holds them until somebody acknowledges them; its batch is closed behind them"

section "4. Enrolment: the terminal becomes bound, with the anchor that people compared"
cat >"$work/unbindd.yaml" <<SETTINGS
state_dir: $work/state
socket: $work/terminal.sock
terminal:
  manufacturer: Demo
  model: Demo-1
  serial: $serial
  property: P-1
reader:
  path: $work/line-terminal
link:
  poll: 50ms
  wait: 2s
  retry_min: 50ms
  retry_max: 500ms
erase:
  roots:
    - $work/pos
SETTINGS
show "$bin/unbindd" check --config "$work/unbindd.yaml"
desk enrol --terminal "$terminal" --serial "$serial" --acquirer 898301 --merchant "$merchant" \
  --uscc 91310000MA1FL0000X --account 6222-0000-4417 --reader "$work/reader.json" --out "$work/enrol-ticket.json"
show "$bin/unbindd" enrol --config "$work/unbindd.yaml" --ticket "$work/enrol-ticket.json" --anchor "$anchor"

section "5. Trading: every transaction over the line into the encrypted ledger"
start unbindd "ready " "$bin/unbindd" run --config "$work/unbindd.yaml"
deadline=$((SECONDS + 60))
until [ "$(ctl status --json | jq '.ledger.transactions // 0')" = "$sales" ]; do
  [ "$SECONDS" -lt "$deadline" ] || die "the ledger did not get its $sales transactions"
done
ctl status | indent

section "6. The order: drafted at the desk, signed by two people, each with their own key"
desk issue --terminal "$terminal" --action rebind --profile rebind-standard --reason merchant-closed --out "$work/command.json"
sign ops-1
echo "  One signature is not enough:"
status=0
desk publish "$work/command.json" || status=$?
[ "$status" -eq 6 ] || die "the desk did not refuse a command that one person signed (exit code $status)"
sign sec-1

section "7. The unbinding, as the terminal's technician sees it"
open unbindctl "$bin/unbindctl" --socket "$work/terminal.sock" watch --wait --timeout 60s
IFS= read -r -t 60 -u "${out[unbindctl]}" line || die "unbindctl watch says nothing"
desk publish "$work/command.json"
echo "  \$ unbindctl watch"
while echo "    $line"; IFS= read -r -t 60 -u "${out[unbindctl]}" line; do :; done
wait "${pid[unbindctl]}" || die "unbindctl watch ended with exit code $?"
unset "pid[unbindctl]"

section "8. What is left on the terminal, and what it says when it starts again"
deadline=$((SECONDS + 60))
while [ -e "$work/state/journal.db" ]; do
  [ "$SECONDS" -lt "$deadline" ] || die "the journal is still there"
done
stop unbindd
start unbindd "ready " "$bin/unbindd" run --config "$work/unbindd.yaml"
case $said in "unbound "*) ;; *) die "the terminal starts $said" ;; esac
ctl status | indent
stop unbindd
left=$(ls -A "$work/state")
[ "$left" = "$(printf 'told.json\ntombstone.json')" ] || die "left in the state directory: $left"
[ "$(cd "$work/pos" && find . -type f)" = ./keep/other.txt ] || die "left of the application: $(find "$work/pos" -type f)"
echo "  state directory: tombstone.json and the receipt for it, told.json; of the application's folder: keep/other.txt alone"

# ---- the case, as a folder ------------------------------------------------------
case=$(jq -r .payload "$work/command.json" | base64 -d | jq -r .case)
rm -rf "$result"
"$bin/unbind-desk" cases export "$case" --dir "$work/desk" --out "$result" >/dev/null
cp -r "$work/state" "$result/state-after"
cp "$work/state/tombstone.json" "$work/state/told.json" "$result/"
cp "$work/desk/keys/recipient.key" "$result/recipient.key"
jq -r .payload "$result/certificate.json" | base64 -d | jq -cS .predicate.reader.record >"$result/erase-record.json"
cp scripts/demo/README.txt "$result/README"
cp -r "$work/log" "$result/log"

section "9. The certificate in words"
"$bin/unbindctl" verify "$result/certificate.json" --trust "$result/trust.json" --anchor "$anchor" --binding "$result/binding.json" \
  --command "$result/command.json" --manifest "$result/manifest.json" --receipt "$result/receipts/certificate.json" \
  --tombstone "$result/tombstone.json" | sed "s#$result/##g" | indent

section "10. The whole case, checked by our tool"
"$bin/unbind-desk" verify "$result" --anchor "$anchor" --identity "$result/recipient.key" | indent

section "11. The whole case, checked by stock tools: openssl, age, zstd, jq, sha256sum"
scripts/check-case.sh "$result" --anchor "$anchor" | indent
[ "$(jq -r .result "$result/tombstone.json")" = complete ] || die "the result is not complete"

section "12. What must not be anywhere"
planted=$(age -d -i "$result/recipient.key" "$result/backup.jsonl.zst.age" | zstd -dq | grep -cF "$canary")
found=$(grep -rlaF "$canary" "$result/state-after" "$result/log" || true)
[ "$planted" -gt 0 ] && [ -z "$found" ] || die "the canary is in $planted transactions, and in: $found"
echo "  ok      canary               in $planted transactions of the backup, in no file of state-after/ and in no log"
found=$(grep -rlaE 'PRIVATE KEY|AGE-SECRET-KEY' "$result" --exclude=README || true)
[ "$found" = "$result/recipient.key" ] || die "private keys are in: $found"
for key in "$work"/desk/keys/*.pem; do
  seed=$(openssl pkey -in "$key" -outform DER | tail -c 32 | base64)
  ! grep -rqaF "$seed" "$result" || die "the private key $(basename "$key") is in demo-out/"
done
echo "  ok      private keys         none in demo-out/ but recipient.key, the demonstration's own"

section "Done in $SECONDS s"
echo "  demo-out/ holds the case: $(find "$result" -type f | wc -l) files. demo-out/README says what each is and how to check it by hand."
