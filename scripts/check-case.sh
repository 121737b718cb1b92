#!/usr/bin/env bash
# Checks a case with stock tools alone: openssl, age, zstd, jq, awk and coreutils.
# Nothing of this project is run, so it is a second opinion.
#
#   scripts/check-case.sh DIR [--anchor sha256:...] [--identity FILE] [--indexed]
#
# DIR is what "unbind-desk cases export" or "make demo" wrote, of a case in any state:
# one that was cancelled or undone has no certificate, and the last line says so. Give
# the anchor that you know from elsewhere; without it the folder's own is believed. With
# an identity (or DIR/recipient.key) the backup is opened and recounted. With --indexed a
# case without the desk's index of its files fails.
# One line a check: ok, absent (nothing in the case asks for it) or FAILED; the last one
# says what it comes to, and as of when.
# Exit code 0: nothing failed. 1: a check failed. 2: nothing could be checked: a wrong
# call, a tool that is missing, or anchor.txt, trust.json or command.json, on which
# everything stands, not there or not to be read; the file is named.
set -euo pipefail
shopt -s inherit_errexit nullglob
export LC_ALL=C

absent() { echo "$*"; exit 3; }
fail() { echo "$*"; exit 1; }
unable() { echo "check-case: $*" >&2; exit 2; }

anchor='' identity='' dir='' indexed='' usage='usage: check-case.sh DIR [--anchor sha256:...] [--identity FILE] [--indexed]'
while [ $# -gt 0 ]; do
  case $1 in
    --anchor | --identity)
      [ $# -gt 1 ] || unable "$usage"
      if [ "$1" = --anchor ]; then anchor=$2; else identity=$2; fi
      shift 2 ;;
    --indexed) indexed=yes; shift ;;
    -*) unable "$usage" ;;
    *) dir=${1%/}; shift ;;
  esac
done
[ -d "$dir" ] || unable "$usage"
for tool in openssl age zstd jq awk base64 od sha256sum; do
  command -v "$tool" >/dev/null || unable "$tool is missing"
done
[ -n "$identity" ] || [ ! -f "$dir/recipient.key" ] || identity=$dir/recipient.key
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# shellcheck source=scripts/demo/envelope.sh
. "$(dirname "$0")/demo/envelope.sh"
# shellcheck source=scripts/demo/people.sh
. "$(dirname "$0")/demo/people.sh"
# shellcheck source=scripts/demo/index.sh
. "$(dirname "$0")/demo/index.sh"

# ---- the checks, in the order in which one stands on the other ----------------

failed=0 held=0
check() {
  local name=$1 said status
  shift
  set +e # a check ends at its first false command, and the next one begins
  said=$(set -e; "$@" 2>&1)
  status=$?
  set -e
  said=${said//$'\n'/; }
  case $status in
    0) printf 'ok      %-20s %s\n' "$name" "$said"; held=$((held + 1)) ;;
    3) printf 'absent  %-20s %s\n' "$name" "$said" ;;
    *) printf 'FAILED  %-20s %s\n' "$name" "$said"; failed=$((failed + 1)) ;;
  esac
}

# since NAME KIND [ROLE]: by_people under the newest bundle that knows the signers, back
# to the one the command was made for: a key that went since has signed all the same.
since() {
  local n said status
  for ((n = bundles; n >= $(payload command.json .root); n--)); do
    set +e
    said=$(set -e; by_people "$1" "$2" "trust/$n.json" ${3:+"$3"} 2>"$tmp/why")
    status=$?
    set -e
    [ $status -ne 0 ] || { echo "$said"; return; }
    [ $status -ne 4 ] || break
  done
  fail "$(<"$tmp/why")"
}

# before NAME KIND: by_people under the command's bundle, or an older one: an enrolment
# outlives the key that signed it.
before() {
  local n said status
  for ((n = $(payload command.json .root); n >= 1; n--)); do
    set +e
    said=$(set -e; by_people "$1" "$2" "trust/$n.json" 2>"$tmp/why")
    status=$?
    set -e
    [ $status -ne 0 ] || { echo "$said"; return; }
    [ $status -ne 4 ] || break
  done
  fail "$(<"$tmp/why")"
}

keys() {
  local file sum n=0
  for file in "$dir"/keys/*.pem; do
    sum=$(openssl pkey -pubin -in "$file" -outform DER | tail -c 32 | sha256)
    same "the name of ${file#"$dir"/}" "${file##*/}" "ed25519_${sum:0:16}.pem"
    n=$((n + 1))
  done
  [ "$n" -gt 0 ] || fail "there is no public key"
  echo "$n public keys, each under its own id"
}

# trust: bundle 1 is the anchor's, each next one is signed by the rules of both.
trust() {
  local n who
  same "the digest of bundle 1" "$(digest trust/1.json)" "$anchor"
  for ((n = 1; n <= bundles; n++)); do
    same "the version of bundle $n" "$(payload "trust/$n.json" .version)" "$n"
    [ "$n" -eq 1 ] || by_people "trust/$n.json" trust "trust/$((n - 1)).json" >/dev/null
    who=$(by_people "trust/$n.json" trust "trust/$n.json")
  done
  echo "$bundles bundle(s) from anchor ${anchor:0:23}..., by $who"
}

enrolment() {
  local who member
  who=$(by_people enrol-ticket.json enrol-ticket trust/1.json)
  same "the anchor in the ticket" "$(payload enrol-ticket.json .trust)" "$anchor"
  for member in terminal serial; do
    same "$member" "$(payload enrol-ticket.json .$member)" "$(payload binding.json .$member)"
  done
  echo "terminal $(payload binding.json .terminal), by $who"
}

binding() {
  local who
  who=$(before binding.json binding)
  echo "device key $(key_id "$(payload binding.json .device.pub)"), reader $(payload binding.json .reader.sn), by $who"
}

profile() {
  local who id
  who=$(by_people profile.json profile "$accepted")
  id=$(payload command.json .profile.id)
  same "the profile's digest in the command" "$(payload command.json .profile.digest)" "$(digest profile.json)"
  same "the profile's digest in the bundle" "$(payload "$accepted" ".profiles[\"$id\"]")" "$(digest profile.json)"
  echo "$id, by $who"
}

command_() {
  local who more=''
  [ "$(payload command.json '.backup | [.gate, .sealed_after]')" = '["receipt",null]' ] || more=release
  who=$(by_people command.json command "$accepted" $more)
  same "binding" "$(payload command.json .binding)" "$(digest binding.json)"
  same "terminal and enrolment" "$(payload command.json '[.terminal, .epoch]')" "$(payload binding.json '[.terminal, .epoch]')"
  same "device" "$(payload command.json .device)" "$(key_id "$(payload binding.json .device.pub)")"
  if [ "$(payload command.json 'has("papers")')" = true ]; then
    by_people papers.json papers "$accepted" >/dev/null
    same "papers" "$(payload command.json .papers)" "$(digest papers.json)"
  fi
  echo "$(payload command.json '"\(.action) of \(.terminal), case \(.case)"'), by $who"
}

names_the_case() {
  same "case of $1" "$(payload "$1" .case)" "$(payload command.json .case)"
  same "command of $1" "$(payload "$1" .command)" "$(digest command.json)"
  same "terminal of $1" "$(payload "$1" .terminal)" "$(payload command.json .terminal)"
}

manifest() {
  needed manifest.json receipts/backup.json backup.jsonl.zst.age ticket.json certificate.json
  by_device manifest.json manifest
  names_the_case manifest.json
  same "reader" "$(payload manifest.json .reader.sn)" "$(payload binding.json .reader.sn)"
  echo "number $(payload manifest.json .n), $(payload manifest.json .count) transactions, by the device key"
}

# allowed is the digest of what allowed the erase, as the certificate names it.
allowed() { payload certificate.json .predicate.receipt.digest; }

backup_receipt() {
  local who
  if [ ! -e "$dir/receipts/backup.json" ]; then # a desk keeps no file without its receipt
    [ -e "$dir/certificate.json" ] || needed receipts/backup.json backup.jsonl.zst.age
    [ "$(allowed)" = "$(digest command.json)" ] || [ -d "$dir/orders" ] || fail "receipts/backup.json is not there"
    [ ! -e "$dir/backup.jsonl.zst.age" ] || fail "receipts/backup.json is not there, and backup.jsonl.zst.age asks for it"
    absent "the command or an amendment allowed its absence"
  fi
  who=$(since receipts/backup.json receipt)
  names_the_case receipts/backup.json
  same "kind" "$(payload receipts/backup.json '[.kind, .verified]')" '["backup","restored"]'
  same "subject" "$(payload receipts/backup.json .subject)" "$(digest manifest.json)"
  same "totals" "$(payload receipts/backup.json .totals)" "$(payload manifest.json '{count, head, sums}')"
  echo "for this manifest, with the same totals, by $who"
}

sealed() {
  [ -e "$dir/manifest.json" ] || absent "there is no manifest that names it"
  [ "$(payload manifest.json .size)" != 0 ] || absent "the command was signed for no backup"
  needed backup.jsonl.zst.age receipts/backup.json certificate.json
  same "size" "$(wc -c <"$dir/backup.jsonl.zst.age")" "$(payload manifest.json .size)"
  same "digest" "sha256:$(sha256 <"$dir/backup.jsonl.zst.age")" "$(payload manifest.json .digest)"
  echo "sha256sum is the manifest's"
}

# opened: stock age and zstd, then the digest that the last line carries.
opened() {
  [ -e "$dir/backup.jsonl.zst.age" ] || absent "there is no sealed file"
  [ -n "$identity" ] || absent "no identity to open it with"
  age -d -i "$identity" "$dir/backup.jsonl.zst.age" | zstd -dq >"$tmp/lines"
  tail -n1 "$tmp/lines" >"$tmp/trailer"
  same "trailer" "$(jq -r .sha256 "$tmp/trailer")" "$(head -n -1 "$tmp/lines" | sha256)"
  same "header" "$(head -n1 "$tmp/lines" | jq -c '[.case, .command, .terminal, .epoch, .first]')" \
    "$(payload manifest.json '[.case, .command, .terminal, .epoch, ([.first, 1] | max)]')" # nothing begins at 0
  echo "$(wc -l <"$tmp/lines") lines, trailer's sha256 is right"
}

# counted: every number that was signed, made again from the lines.
counted() {
  [ -s "$tmp/trailer" ] || absent "the backup was not opened"
  local sums others
  sums=$(jq -nc '
    reduce (inputs | .t // empty | select(has("stan"))) as $t ({};
      .[[$t.currency, $t.kind, $t.result] | join(" ")] |=
        {amount: (.amount + $t.amount), count: (.count + 1), currency: $t.currency, kind: $t.kind, result: $t.result})
    | to_entries | sort_by(.key) | map(.value)' "$tmp/lines")
  others=$(jq -nc '
    reduce (inputs | .t // empty | select(has("stan") | not)) as $t ([0, 0];
      if $t.kind == "refused" then .[1] += 1 else .[0] += 1 end)' "$tmp/lines")
  same "sums" "$sums" "$(payload manifest.json .sums)"
  same "count" "$(jq 'map(.count) | add // 0' <<<"$sums")" "$(payload manifest.json .count)"
  same "events and refused" "$others" "$(payload manifest.json '[.events, .refused]')"
  same "trailer" "$(jq -c '[.count, .head, .last, .sums]' "$tmp/trailer")" \
    "$(payload manifest.json '[.count + .events + .refused, .head, .last, .sums]')"
  echo "$(payload manifest.json .count) transactions, $(jq length <<<"$sums") sums as in manifest and receipt"
}

# chain: each line's c is SHA-256 of the one before it and of the record; one
# file a link, so that sha256sum looks at thousands of them at once.
chain() {
  [ -s "$tmp/trailer" ] || absent "the backup was not opened"
  local prev part c escaped record head n=0
  prev=$(raw "$(hex_of_text unbindd/ledger/1)$(digest_hex binding.json)" | sha256)
  same "the chain's beginning" "$(head -n1 "$tmp/lines" | jq -r .prev)" "$prev"
  head=$prev
  mkdir "$tmp/links"
  head -n -1 "$tmp/lines" | tail -n +2 | awk -v prev="$prev" '
    { c = substr($0, 7, 64); e = prev; gsub(/../, "\\x&", e); print c, e, substr($0, 77, length($0) - 77); prev = c }' |
    split -l 10000 - "$tmp/links/part."
  for part in "$tmp"/links/part.*; do
    while read -r c escaped record; do
      n=$((n + 1)) head=$c
      # shellcheck disable=SC2059 # the format is the 32 bytes before the record
      printf "$escaped%s" "$record" >"$tmp/links/$n"
      echo "$c  $tmp/links/$n"
    done <"$part" >"$tmp/list"
    sha256sum --check --quiet --strict "$tmp/list" >&2
    find "$tmp/links" -type f ! -name 'part.*' -delete
  done
  same "head" "sha256:$head" "$(payload manifest.json .head)"
  same "links" "$n" "$(jq .count "$tmp/trailer")"
  echo "$n links from the binding to the head, each made again"
}

# ticket: it names no key, so one of role reader must fit.
ticket() {
  certified
  [ "$(payload certificate.json '.predicate.reader | .authenticated or (.outcome == "erased" and (.slots | length) > 0)')" = true ] ||
    absent "the reader's erase was not authenticated"
  local file=$dir/ticket.json scope='' slot authority holder public
  [ -f "$file" ] || fail "ticket.json is not there"
  for slot in $(jq '.scope[]' "$file"); do scope+=$(printf %04x "$slot"); done
  same "reader, challenge, counter, scope" "$(jq -c '[.sn, .rc, .eracnt, .scope]' "$file")" \
    "$(payload manifest.json '[.reader.sn, .reader.rc, .reader.eracnt, .scope]')"
  permitted
  authority=$(allowed)
  raw "$(lp "$(hex_of_text pedlink-ticket/1)" "$(hex_of_text "$(jq -r .sn "$file")")" "$(hex_of_base64 "$(jq -r .rc "$file")")" \
    "$(printf %08x "$(jq .eracnt "$file")")" "$scope" "$(digest_hex command.json)" "${authority#sha256:}")" >"$tmp/ticket"
  while read -r holder public; do
    if (signature "$tmp/ticket" "$(jq -r .sig "$file")" "$public") 2>/dev/null; then
      echo "$(jq '.scope | length' "$file") slots of $(jq -r .sn "$file"), by $holder (reader)"
      return
    fi
  done < <(for ((n = bundles; n >= 1; n--)); do payload "trust/$n.json" '.keys[] | select(.role == "reader") | "\(.holder) \(.pub)"'; done)
  fail "no key of role reader fits"
}

# permitted: what allowed the erase must be in the case.
permitted() {
  local name what
  what=$(allowed)
  for name in receipts/backup.json command.json "$dir"/orders/amend-*.json; do
    name=${name#"$dir"/}
    [ ! -e "$dir/$name" ] || [ "$(digest "$name")" != "$what" ] || return 0
  done
  fail "what the certificate calls its permission is not in the case"
}

certificate() {
  local subjects
  needed certificate.json receipts/certificate.json tombstone-reveal.json receipts/tombstone.json validation.json
  by_device certificate.json in-toto
  subjects=$(payload certificate.json '[.subject[] | {(.name): ("sha256:" + .digest.sha256)}] | add')
  same "subject command" "$(jq -r .command <<<"$subjects")" "$(digest command.json)"
  same "subject manifest" "$(jq -r .manifest <<<"$subjects")" "$(digest manifest.json)"
  [ ! -e "$dir/backup.jsonl.zst.age" ] ||
    same "subject backup" "$(jq -r .backup <<<"$subjects")" "sha256:$(sha256 <"$dir/backup.jsonl.zst.age")"
  same "binding" "$(payload certificate.json .predicate.binding)" "$(digest binding.json)"
  same "gate" "$(payload certificate.json '.predicate.gate | length > 0 and all(.ok)')" true
  permitted
  same "result" "$(payload certificate.json .predicate.result)" "$(payload certificate.json '.predicate
    | def rank: . as $level | ["none", "logical", "clear", "purge-asserted", "purge-verified"] | index($level);
      if .reader.outcome == "erased" and .verified == "pass" and (.software.residue | length == 0)
         and all(.media[]; .verified == "pass"
           and (.level_achieved | rank) >= ((.level_requested | if . == "purge" then "purge-asserted" else . end) | rank))
      then "complete" else "partial" end')"
  echo "$(payload certificate.json '.predicate | "number \(.n), \(.result), reader \(.reader.outcome)"'), by the device key"
}

erase_record() {
  local said r results slot result
  certified
  [ "$(payload certificate.json .predicate.reader.outcome)" != erased ] ||
    same "slots of the manifest" "$(payload certificate.json '[.predicate.reader.slots[].slot] | tostring')" "$(payload manifest.json '.scope | tostring')"
  said=$(payload certificate.json .predicate.reader.record)
  if [ "$said" = null ]; then
    # Only a reader whose binding names another protocol may be erased without a word of its own.
    [ "$(payload certificate.json '.predicate.reader | .outcome == "erased" and (.slots | length) > 0')" = false ] ||
      [ "$(payload binding.json '.reader.driver // "pedlink"')" != pedlink ] || fail "the bound reader signs what it erases, and did not sign for this"
    absent "the reader gave none"
  fi
  [ ! -e "$dir/erase-record.json" ] || same "erase-record.json" "$(jq -cS . "$dir/erase-record.json")" "$(jq -cS . <<<"$said")"
  r() { jq -r "$1" <<<"$said"; }
  results=''
  while read -r slot result; do results+=$(printf '%04x%02x' "$slot" "$result"); done < <(r '.results[] | "\(.slot) \(.result)"')
  raw "$(lp "$(hex_of_text pedlink-record/1)" "$(hex_of_text "$(r .sn)")" "$(printf %08x "$(r .eracnt)")" \
    "$(hex_of_base64 "$(r .ticket)")" "$(hex_of_base64 "$(r .nonce)")" "$results")" >"$tmp/record"
  signature "$tmp/record" "$(r .sig)" "$(payload binding.json .reader.pub)"
  same "ticket" "$(hex_of_base64 "$(r .ticket)")" "$(sha256 <"$tmp/ticket")"
  same "erase counter" "$(r .eracnt)" "$(($(jq .eracnt "$dir/ticket.json") + 1))"
  same "slots" "$(r '[.results[].slot] | tostring')" "$(jq -c .scope "$dir/ticket.json")"
  [ "$(payload certificate.json .predicate.reader.outcome)" != erased ] || same "no slot failed" "$(r 'all(.results[]; .result < 2)')" true
  echo "for this ticket, counter $(r .eracnt), by the reader's own key"
}

certificate_receipt() {
  local who
  needed receipts/certificate.json certificate.json # a desk keeps neither without the other
  who=$(since receipts/certificate.json receipt)
  names_the_case receipts/certificate.json
  same "kind" "$(payload receipts/certificate.json '[.kind, .verified]')" '["certificate","checked"]'
  same "subject" "$(payload receipts/certificate.json .subject)" "$(digest certificate.json)"
  echo "for this certificate, by $who"
}

tombstone() {
  certified
  local file=$dir/tombstone.json
  [ -e "$file" ] || file=$dir/tombstone-reveal.json
  if [ ! -e "$file" ]; then
    [ "$(payload certificate.json .predicate.result)" = complete ] || absent "the case is open: its certificate is partial"
    fail "no tombstone is there"
  fi
  same "sha256 of r" "sha256:$(jq -rj .r "$file" | base64 -d | sha256)" "$(payload certificate.json .predicate.tombstone)"
  [ "$file" != "$dir/tombstone.json" ] || same "certificate" "$(jq -r .certificate "$file")" "$(digest certificate.json)"
  if [ "$file" = "$dir/tombstone-reveal.json" ]; then # that the desk has it is the desk's word
    since receipts/tombstone.json receipt >/dev/null
    names_the_case receipts/tombstone.json
    same "kind" "$(payload receipts/tombstone.json '[.kind, .n, .verified]')" '["tombstone",1,"checked"]'
    same "subject" "$(payload receipts/tombstone.json .subject)" "$(payload certificate.json .predicate.tombstone)"
  fi
  echo "sha256(r) is what the certificate committed to"
}

# answer_receipt: the desk signed for an answer, and for the order it is to.
answer_receipt() {
  local receipt
  receipt=receipts/answer-$(payload "$1" .n).json
  [ -e "$dir/$receipt" ] || fail "$receipt is not there"
  since "$receipt" receipt >/dev/null
  same "what $receipt says" "$(payload "$receipt" '[.kind, .verified, .n, .case, .terminal, .subject, .command]')" \
    "$(payload "$1" "[\"answer\", \"checked\", .n, .case, .terminal, \"$(digest "$1")\", .subject]")"
}

# others: answers, follow-up orders and what was superseded.
others() {
  local file name what n=0
  for file in "$dir"/{answers,orders,superseded}/*.json; do
    name=${file#"$dir"/}
    what=$(kind "$name")
    case $name in superseded/custody-* | superseded/validation-*) continue ;; esac # of an earlier manifest or certificate
    case $what in
      answer) by_device "$name" "$what"; answer_receipt "$name" ;;
      manifest | in-toto) by_device "$name" "$what" ;;
      none | acceptance) continue ;; # a ticket; the successor's, whose key is not in this case
      *) since "$name" "$what" >/dev/null ;;
    esac
    n=$((n + 1))
  done
  [ "$n" -gt 0 ] || absent "no answer and no follow-up order is there"
  echo "$n answers, follow-up orders and superseded objects"
}

# proven: one object stands in the desk's log; the steps are RFC 9162's, 2.1.3.2.
proven() {
  local proof=$dir/proofs/${1//\//-}.tlog-proof fn sn r hash
  [ -f "$proof" ] || fail "${proof#"$dir"/} is not there"
  same "its first line" "$(head -n1 "$proof")" c2sp.org/tlog-proof@v1
  sed '1,/^$/d' "$proof" >"$tmp/checkpoint"
  [ -e "$tmp/checkpoint.one" ] || cp "$tmp/checkpoint" "$tmp/checkpoint.one"
  cmp -s "$tmp/checkpoint" "$tmp/checkpoint.one" || fail "the checkpoint of $1 is another"
  fn=$(sed -n '2s/^index //p' "$proof") sn=$(($(sed -n 2p "$tmp/checkpoint") - 1))
  [ "$fn" -le "$sn" ] || fail "leaf $fn of $1 is beyond the log"
  r=$(raw "00$2" | sha256)
  while read -r hash; do
    [ "$sn" -ne 0 ] || fail "the proof of $1 is too long"
    hash=$(hex_of_base64 "$hash")
    if [ $((fn % 2)) -eq 1 ] || [ "$fn" -eq "$sn" ]; then
      r=$(raw "01$hash$r" | sha256)
      while [ $((fn % 2)) -eq 0 ] && [ "$fn" -ne 0 ]; do fn=$((fn / 2)) sn=$((sn / 2)); done
    else
      r=$(raw "01$r$hash" | sha256)
    fi
    fn=$((fn / 2)) sn=$((sn / 2))
  done < <(sed -n '3,/^$/p' "$proof" | sed '/^$/d')
  same "the length of the proof of $1" "$sn" 0
  same "the root that $1 leads to" "$r" "$(hex_of_base64 "$(sed -n 3p "$tmp/checkpoint")")"
}

# indexed: a receipt names the leaf of its object.
indexed() {
  [ ! -e "$dir/$1" ] || [ ! -e "$dir/$2" ] ||
    same "the leaf in $1" "$(payload "$1" .index)" "$(sed -n '2s/^index //p' "$dir/proofs/${2//\//-}.tlog-proof")"
}

desk_log() {
  local file name n=0
  [ -d "$dir/proofs" ] || absent "there are no proofs of the desk's log"
  for name in command papers campaign manifest ticket certificate receipts/backup receipts/certificate receipts/custody validation tombstone-reveal; do
    [ -e "$dir/$name.json" ] || continue
    case $name in
      ticket | tombstone-reveal) proven "$name.json" "$(sha256 <"$dir/$name.json")" ;;
      *) proven "$name.json" "$(digest_hex "$name.json")" ;;
    esac
    n=$((n + 1))
  done
  for file in "$dir"/answers/*.json "$dir"/receipts/{answer-*,tombstone}.json "$dir"/orders/*.json "$dir"/superseded/*.json; do
    [ -e "$file" ] || continue
    name=${file#"$dir"/}
    case $(kind "$name") in
      none) proven "$name" "$(sha256 <"$file")" ;; # a ticket
      *) proven "$name" "$(digest_hex "$name")" ;;
    esac
    n=$((n + 1))
  done
  if [ -e "$dir/backup.jsonl.zst.age" ]; then
    proven backup.jsonl.zst.age "$(sha256 <"$dir/backup.jsonl.zst.age")"
    n=$((n + 1))
  fi
  indexed receipts/backup.json backup.jsonl.zst.age
  indexed receipts/certificate.json certificate.json
  indexed receipts/tombstone.json tombstone-reveal.json
  for file in "$dir"/answers/*.json; do
    name=answers/$(basename "$file")
    indexed "receipts/answer-$(payload "$name" .n).json" "$name"
  done
  same "the number of proofs" "$(find "$dir/proofs" -name '*.tlog-proof' | wc -l)" "$n"
  head -n 3 "$tmp/checkpoint.one" >"$tmp/checkpoint.signed"
  signature "$tmp/checkpoint.signed" "$(sed -n 's/^\xe2\x80\x94 [^ ]* //p' "$tmp/checkpoint.one" | head -n1 | base64 -d | tail -c 64 | base64 -w0)" \
    "$(payload "$current" '.keys[.log.key].pub')"
  same "the log's origin" "$(head -n1 "$tmp/checkpoint.one")" "$(payload "$current" .log.origin)"
  echo "$n objects stand in log $(head -n1 "$tmp/checkpoint.one") of $(sed -n 2p "$tmp/checkpoint.one") leaves, signed by the log's key"
}

mkdir "$tmp/trust"
for name in trust.json command.json; do
  [ -f "$dir/$name" ] || unable "$name is not there, and everything stands on it"
done
[ -n "$anchor" ] || [ -f "$dir/anchor.txt" ] || unable "anchor.txt is not there, and no --anchor was given"
[ -n "$anchor" ] || anchor=$(<"$dir/anchor.txt")
jq -e 'type == "array" and length > 0' "$dir/trust.json" >/dev/null 2>&1 || unable "trust.json cannot be read: it is no list of bundles"
bundles=$(jq length "$dir/trust.json")
for ((n = 1; n <= bundles; n++)); do
  jq ".[$n - 1]" "$dir/trust.json" >"$tmp/trust/$n.json"
  (unwrap "trust/$n.json") 2>/dev/null || unable "trust.json cannot be read: bundle $n is no envelope"
done
(unwrap command.json) 2>/dev/null || unable "command.json cannot be read: it is no envelope"
current=trust/$bundles.json
payload "$current" '.revoked // []' >"$tmp/revoked"
accepted=$(payload command.json '.root | numbers | tostring')
[[ $accepted =~ ^[1-9][0-9]{0,8}$ ]] || unable "command.json cannot be read: it names no version of the trust"
accepted=trust/$accepted.json

check keys keys
check trust trust
check "enrolment ticket" enrolment
check binding binding
check profile profile
check command command_
check campaign campaign
check manifest manifest
check "backup receipt" backup_receipt
check "sealed file" sealed
check "backup opened" opened
check "count and sums" counted
check chain chain
check ticket ticket
check certificate certificate
check "erase record" erase_record
check "certificate receipt" certificate_receipt
check tombstone tombstone
check custody custody
check validation validation
check others others
check "desk's log" desk_log
check index index_

if [ "$failed" -gt 0 ]; then
  echo "$failed checks FAILED, $held held: do not rely on this case."
  exit 1
fi
echo "All $held checks held: $(summed)"
