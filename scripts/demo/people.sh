# Who had a hand in a case, and the words of a second person about it; a part of
# scripts/check-case.sh, which sources it and sets dir, tmp, bundles and accepted.
# shellcheck shell=bash disable=SC2154 # dir, tmp, bundles and accepted

# by_role NAME ROLE...: the one signature is by a person of one of these roles, whose
# key is not revoked; its holder and role are told.
by_role() {
  local name=$1 id holder role public n
  shift
  unwrap "$name"
  same "the number of signatures of $name" "$(jq '.signatures | length' "$(path "$name")")" 1
  id=$(jq -r '.signatures[0].keyid' "$(path "$name")")
  for ((n = bundles; n >= 1; n--)); do
    read -r holder role public < <(payload "trust/$n.json" ".keys[\"$id\"] // {} | \"\(.holder // \"nobody\") \(.role) \(.pub)\"")
    [ "$holder" = nobody ] || break
  done
  [[ " $* " = *" $role "* ]] || fail "$name is signed by $holder, role $role; want one of $*"
  [ "$(jq --arg id "$id" 'index($id)' "$tmp/revoked")" = null ] || fail "the key that signed $name is revoked"
  signature "$tmp/${name//\//_}.pae" "$(jq -r '.signatures[0].sig' "$(path "$name")")" "$public"
  echo "$holder" >"$tmp/holder" && echo "$role" >"$tmp/role"
}

# hands NAME: holder, role and NAME of everybody who signed it, under any bundle since
# the command's; a key that is revoked counts for nobody, and neither does one that was
# only named: whether such a signature spoils the object is asked where that is judged.
hands() {
  local id sig n holder role public
  unwrap "$1"
  while read -r id sig; do
    [ "$(jq --arg id "$id" 'index($id)' "$tmp/revoked")" = null ] || continue
    for ((n = $(payload command.json .root); n <= bundles; n++)); do
      read -r holder role public < <(payload "trust/$n.json" ".keys[\"$id\"] // {} | \"\(.holder // \"nobody\") \(.role) \(.pub)\"")
      [ "$holder" != nobody ] || continue
      ! (signature "$tmp/${1//\//_}.pae" "$sig" "$public") 2>/dev/null || echo "$holder $role $1"
    done
  done < <(jq -r '.signatures[] | "\(.keyid) \(.sig)"' "$(path "$1")")
}

# busy: everybody who had a hand in the case before it is validated, one a line. An
# acceptance is a terminal's.
busy() {
  local file name
  for file in "$dir"/{command,papers,campaign,receipts/custody}.json "$dir"/orders/*.json; do
    name=${file#"$dir"/}
    [ -e "$file" ] && [ "$(kind "$name")" != acceptance ] || continue
    hands "$name"
  done
  payload certificate.json '.predicate.people[] | "\(.who) badge certificate.json"'
}

# campaign: the command is one of those that were published together, by three people.
campaign() {
  local who
  [ -e "$dir/campaign.json" ] || absent "the command was published by itself"
  who=$(by_people campaign.json campaign "$accepted")
  same "the command in the campaign" "$(payload campaign.json ".commands | index(\"$(digest command.json)\") != null")" true
  same "the campaign's count" "$(payload campaign.json .count)" "$(payload campaign.json '.commands | length')"
  echo "one of $(payload campaign.json .count) command(s), by $who"
}

# custody: another person than the desk's opened and counted the backup.
custody() {
  local name=receipts/custody.json holder role from
  [ -e "$dir/$name" ] || absent "no custodian has counted the backup"
  by_role $name custodian
  names_the_case $name
  same "kind" "$(payload $name '[.kind, .verified]')" '["custody","restored"]'
  same "subject" "$(payload $name .subject)" "$(digest manifest.json)"
  same "totals" "$(payload $name .totals)" "$(payload manifest.json '{count, head, sums}')"
  same "leaf" "$(payload $name .index)" "$(payload receipts/backup.json .index)"
  hands receipts/backup.json >"$tmp/hands"
  while read -r holder role from; do
    [ "$holder" != "$(<"$tmp/holder")" ] || fail "$holder signed $from as well ($role), and another person is asked for"
  done <"$tmp/hands"
  echo "opened and counted again, by $(<"$tmp/holder")"
}

# validation: a person in another role than those who signed the command, and who had no
# hand in the case, says what the certificate is worth.
validation() {
  local name=validation.json accepts holder role from
  [ -e "$dir/$name" ] || absent "nobody has validated the certificate"
  by_role $name operations security release custodian
  same "type" "$(payload $name .predicateType)" urn:unbindd:validation:v1
  same "subjects" "$(payload $name .subject)" "$(payload certificate.json .subject)"
  same "certificate" "$(payload $name .predicate.certificate)" "$(digest certificate.json)"
  same "result" "$(payload $name .predicate.result)" "$(payload certificate.json .predicate.result)"
  busy >"$tmp/hands"
  while read -r holder role from; do
    [ "$holder" != "$(<"$tmp/holder")" ] || fail "$holder took part in the case ($from), and a second person is asked for"
    [ "$from" != command.json ] || [ "$role" != "$(<"$tmp/role")" ] ||
      fail "role $role signed the command, and a second role is asked for"
  done <"$tmp/hands"
  accepts=$(payload $name .predicate.accepts)
  [ "$accepts" != rejected ] || fail "$(<"$tmp/holder") has rejected the certificate"
  same "what it is accepted as" "$accepts" "$(payload $name .predicate.result)"
  [ "$accepts" = complete ] || [ "$(payload $name '.predicate.open | length')" -gt 0 ] || fail "it names nothing that is open"
  echo "accepted as $accepts, by $(<"$tmp/holder")"
}
