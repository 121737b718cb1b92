# Bytes, envelopes and signatures with openssl, jq, od, base64 and sha256sum; the
# other half of scripts/check-case.sh, which sources it and sets dir, the case's
# folder, and tmp, a private one. A function that finds something wrong ends its
# subshell with a sentence.
# shellcheck shell=bash disable=SC2154 # dir and tmp

fail() { echo "$*" >&2; exit 1; }

# ---- bytes: what is hashed or signed is put together as hex digits -----------

# Bash does what it can by itself: a case takes hundreds of these.
hex() { local digits; digits=$(od -An -v -tx1); echo "${digits//[$' \n']/}"; }
hex_of_text() { printf %s "$1" | hex; }
hex_of_base64() { base64 -d <<<"$1" | hex; }
# shellcheck disable=SC2059 # the format is the bytes
raw() { printf "$(sed 's/../\\x&/g' <<<"$1")"; }
# lp puts a length of two bytes before each field.
lp() { local field; for field; do printf '%04x%s' $((${#field} / 2)) "$field"; done; }
sha256() { local sum; sum=$(sha256sum); echo "${sum%% *}"; }
# same WHAT A B: what is not there is never the same.
same() {
  case $2 in '' | null) fail "$1 is not there" ;; esac
  [ "$2" = "$3" ] || fail "$1 differs: $2 is not $3"
}

# ---- envelopes: the signed bytes (PAE) of a file, its payload, its digest ----

# path of an object; the bundles of trust.json are taken apart below.
path() { case $1 in trust/*) echo "$tmp/$1" ;; *) echo "$dir/$1" ;; esac; }

unwrap() {
  local file at type
  file=$(path "$1") at=$tmp/${1//\//_}
  [ ! -e "$at.pae" ] || return 0
  [ -f "$file" ] || fail "$1 is not there"
  jq -e '(.payloadType | type == "string") and (.payload | @base64d | fromjson | type == "object")' "$file" >/dev/null 2>&1 ||
    fail "$1 cannot be read: it is no envelope"
  jq -rj .payload "$file" | base64 -d >"$at.payload"
  type=$(jq -rj .payloadType "$file")
  { printf 'DSSEv1 %d %s %d ' "${#type}" "$type" "$(wc -c <"$at.payload")"; cat "$at.payload"; } >"$at.pae"
}
payload() { unwrap "$1"; jq -rc "$2" "$tmp/${1//\//_}.payload"; }
digest_hex() {
  local at=$tmp/${1//\//_}
  unwrap "$1"
  [ -e "$at.sha256" ] || sha256 <"$at.pae" >"$at.sha256"
  echo "$(<"$at.sha256")"
}
digest() { local sum; sum=$(digest_hex "$1"); echo "sha256:$sum"; }
kind() {
  jq -r '(.payloadType // "") as $t | if $t == "application/vnd.in-toto+json" then "in-toto"
    else ($t | capture("^application/vnd\\.unbindd\\.(?<kind>[a-z-]+)\\.v1\\+json$").kind) // "none" end' "$(path "$1")"
}

# ---- signatures ---------------------------------------------------------------

key_id() { local sum; sum=$(base64 -d <<<"$1" | sha256); echo "ed25519:${sum:0:16}"; }

# signature MESSAGE SIGNATURE PUBLIC: the key file must hold that very key.
signature() {
  local id pem
  id=$(key_id "$3")
  pem=$dir/keys/${id/:/_}.pem
  [ -f "$pem" ] || fail "${pem#"$dir"/} is not there"
  same "the key in ${pem#"$dir"/}" "$(openssl pkey -pubin -in "$pem" -outform DER | hex)" \
    "302a300506032b6570032100$(hex_of_base64 "$3")"
  base64 -d <<<"$2" >"$tmp/sig"
  openssl pkeyutl -verify -pubin -inkey "$pem" -rawin -in "$1" -sigfile "$tmp/sig" >/dev/null ||
    fail "the signature of $id does not fit"
}

# by_device NAME KIND: signed by the device key that the binding names.
by_device() {
  local public
  unwrap "$1"
  same "the kind of $1" "$(kind "$1")" "$2"
  public=$(payload binding.json .device.pub)
  same "the key that signed $1" "$(jq -r '.signatures[0].keyid' "$(path "$1")")" "$(key_id "$public")"
  signature "$tmp/${1//\//_}.pae" "$(jq -r '.signatures[0].sig' "$(path "$1")")" "$public"
}

# by_people NAME KIND BUNDLE [ROLE]: the bundle's rule for the kind is met, and
# by one of ROLE more. Holders are counted, not keys; who signed for two roles
# is not counted. An index goes by the rule for receipts. Prints who signed. Exit code 4 where a signature that claims one of
# the bundle's keys does not fit: that spoils the object, whatever an older bundle says.
by_people() {
  local id sig public signed=()
  unwrap "$1"
  same "the kind of $1" "$(kind "$1")" "$2"
  while read -r id sig; do
    public=$(payload "$3" ".keys[\"$id\"].pub // empty")
    [ -n "$public" ] || continue
    (signature "$tmp/${1//\//_}.pae" "$sig" "$public") || exit 4
    signed+=("$id")
  done < <(jq -r '.signatures[] | "\(.keyid) \(.sig)"' "$(path "$1")")
  jq -r --arg kind "$2" --arg more "${4:-}" --slurpfile revoked "$tmp/revoked" '
    . as $b | ($b.rules[if $kind == "index" then "receipt" else $kind end] // if $kind == "campaign" then {need: {operations: 1, release: 1, security: 1}, total: 3} else null end) as $rule
    | (if $more == "" then $rule else $rule | .need[$more] += 1 | .total += 1 end) as $rule
    | [($ARGS.positional - $revoked[0])[] | $b.keys[.] | {holder, role}] | unique
    | group_by(.holder) | map(select(length == 1)[0]) as $who
    | if ($rule.need | to_entries | all(.key as $r | .value <= ([$who[] | select(.role == $r)] | length)))
         and ($who | length) >= $rule.total
      then [$who[] | "\(.holder) (\(.role))"] | join(", ")
      else "the rule for \($kind) is not met" | halt_error(1) end' \
    --args "${signed[@]}" <"$tmp/${3//\//_}.payload"
}
