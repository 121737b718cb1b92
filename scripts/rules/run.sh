#!/usr/bin/env bash
# Removes one rule after the other and demands that its test notices.
#
#   scripts/rules/run.sh             every rule
#   scripts/rules/run.sh 05 anchor   those whose file name begins with a word, or
#                                    has it after a dash
#
# A rule is a patch in this folder: its first lines say the rule, the package and
# the test; the rest takes the rule out. Each is applied to a copy of the tree,
# never to the tree itself. One line a rule:
#
#   red          the test fails, and which one: the rule is held
#   STILL GREEN  nobody notices that the rule is gone
#   MOVED        the patch does not fit any more: look where the rule is now
#   BROKEN       without the rule it does not compile, or the test is not there
#
# Ends with 1 unless every line is red.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What is built does not depend on where it is built, so that a rule costs its
# own package and not the whole house.
export GOFLAGS="${GOFLAGS:-} -trimpath"
# A copy is no part of a repository around it, whatever the folder for temporary
# files is in.
export GIT_CEILING_DIRECTORIES=$work

wanted() {
  local patch=$1 word
  shift
  [ $# -eq 0 ] && return 0
  for word in "$@"; do
    case $(basename "$patch") in "$word"* | *-"$word"*) return 0 ;; esac
  done
  return 1
}

copy() {
  (cd "$root" && git ls-files -coz --exclude-standard -- '*.go' '*.mod' '*.sum' agent/said cmd configs docs '*/testdata/*' scripts |
    tar --null --ignore-failed-read -T - -cf - 2>/dev/null) | tar -xf - -C "$1"
}

field() { sed -n "s/^# $1: //p" "$2"; }

# check prints the line of one rule, and fails unless it is red.
check() {
  local patch=$1 name out red status test tree=$work/tree
  name=$(basename "$patch" .patch)
  test=$(field Test "$patch")
  rm -rf "$tree"
  cp -R "$work/base" "$tree"
  if ! (cd "$tree" && git apply "$patch") 2>"$work/why"; then
    printf 'MOVED        %s: %s\n' "$name" "$(head -n 1 "$work/why")"
    return 1
  fi
  status=0
  out=$(cd "$tree" && eval "$test" 2>&1) || status=$?
  if [ "$status" -eq 0 ]; then
    case $out in
      *'no tests to run'*) printf 'BROKEN       %s: %s runs no test\n' "$name" "$test" ;;
      *) printf 'STILL GREEN  %s: %s\n' "$name" "$(field Rule "$patch")" ;;
    esac
    return 1
  fi
  red=$(grep -oE '^ *--- FAIL: [^ ]+' <<<"$out" | sed 's/.*: //' | head -n 3 | paste -sd ' ' || true)
  if [ -z "$red" ]; then
    printf 'BROKEN       %s: %s\n' "$name" "$(grep -vE '^(#|FAIL|ok) ' <<<"$out" | head -n 1)"
    return 1
  fi
  printf 'red          %s: %s\n' "$name" "$red"
}

mkdir "$work/base"
copy "$work/base"
bad=0 seen=0
for patch in "$here"/[0-9]*.patch; do
  wanted "$patch" "$@" || continue
  seen=$((seen + 1))
  check "$patch" || bad=$((bad + 1))
done
printf '%d rules, %d not held\n' "$seen" "$bad"
[ "$seen" -gt 0 ] && [ "$bad" -eq 0 ]
