# What a case has to hold: what asks for what, and the desk's index of all files; a part
# of scripts/check-case.sh, which sources it and sets dir, tmp, current and indexed.
# shellcheck shell=bash disable=SC2154 # dir, tmp, current and indexed

# needed NAME BY...: NAME is there, or none of BY is, each of which asks for it.
needed() {
  local name=$1 by
  shift
  [ ! -e "$dir/$name" ] || return 0
  for by; do [ ! -e "$dir/$by" ] || fail "$name is not there, and $by asks for it"; done
  absent "$name is not there, and nothing in the case asks for it"
}

# certified: what is said here is said about a certificate.
certified() { [ -e "$dir/certificate.json" ] || absent "there is no certificate: nothing is said to be erased"; }

# unlisted: every file under a name of the case that the list in $tmp has not. What lies
# beside them under other names is read by nobody.
unlisted() {
  local file name
  for file in "$dir"/{answers,keys,orders,proofs,receipts,superseded}/* "$dir"/{anchor.txt,backup.jsonl.zst.age} \
    "$dir"/{binding,campaign,certificate,command,enrol-ticket,history,manifest,papers,profile,ticket,tombstone-reveal,trust,validation}.json; do
    name=${file#"$dir"/}
    [ ! -e "$file" ] || grep -qxF -- "$name" "$tmp/names" || echo "$name"
  done
}

# index_: the files are those that the desk listed and signed for when it handed the case
# out: none fewer, none more, none changed.
index_() {
  local who name said status=0 wrong=''
  if [ ! -e "$dir/index.json" ]; then
    [ -z "$indexed" ] || fail "index.json is not there, and --indexed asks for it"
    absent "index.json is not there: nothing commits to the number of files"
  fi
  who=$(by_people index.json index "$current")
  same "case and terminal" "$(payload index.json '[.case, .terminal]')" "$(payload command.json '[.case, .terminal]')"
  [ ! -e "$tmp/checkpoint.one" ] || # without a proof there is no log to compare
    [ "$(payload index.json '.log | "\(.origin) \(.size) \(.root)"')" = "$(head -n 3 "$tmp/checkpoint.one" | paste -sd ' ')" ] ||
    wrong+="it names another state of the log than the proofs are under; "
  payload index.json '.files[].name' >"$tmp/names"
  payload index.json '.files[] | "\(.digest[7:])  \(.name)"' >"$tmp/sums"
  while read -r name; do [ -f "$dir/$name" ] || wrong+="$name is listed by the desk and not there; "; done <"$tmp/names"
  # One that cannot be read is "FAILED open or read"; what has no such line is left to the exit code.
  said=$(cd "$dir" && sha256sum --check --quiet --strict --ignore-missing "$tmp/sums" 2>/dev/null) || status=$?
  while read -r name; do wrong+="$name is not as the desk listed it; "; done < <(sed -n 's/: FAILED.*$//p' <<<"$said")
  while read -r name; do wrong+="$name is there and not listed by the desk; "; done < <(unlisted)
  [ -z "$wrong" ] || fail "${wrong%; }"
  [ "$status" -eq 0 ] || fail "sha256sum cannot check the files that the desk listed, and ends with $status"
  echo "$(wc -l <"$tmp/names") files, all that the desk handed out at $(clock), by $who"
}

clock() { date -u -d "@$(payload index.json .at)" +%Y-%m-%dT%H:%M:%SZ; }

# summed: what it comes to.
summed() {
  local result="no certificate, so nothing is said to be erased"
  [ ! -e "$dir/certificate.json" ] || result="certificate $(payload certificate.json .predicate.result)"
  echo -n "case $(payload command.json .case) of terminal $(payload command.json .terminal), $result; "
  if [ -e "$dir/index.json" ]; then
    echo "$(wc -l <"$tmp/names") files, all that the desk had as of $(clock), the case then being $(payload index.json .state). What came later is not in it."
  else
    echo "NOTHING COMMITS TO THE NUMBER OF ITS FILES (no index.json, as from an older desk): some may have been taken out, and as of when it is is not known."
  fi
}
