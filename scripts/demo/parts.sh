# Starting programs, waiting for the sign that they give, ending them; the other
# half of scripts/demo.sh, which sources it and sets work, a private folder.
# shellcheck shell=bash disable=SC2154 # work

section=start
section() { section=$*; printf '\n== %s\n' "$*"; }
indent() { sed 's/^/  /'; }
die() { echo "demo: $*" >&2; exit 1; }

# show prints a command without this machine's paths, and runs it.
show() {
  local words="$*"
  words=${words//"$bin/"/} words=${words//"$work/"/}
  echo "  \$ $words"
  "$@" 2>&1 | sed -e "s#$work/##g" -e 's/^/    /'
}

declare -A pid out

# start NAME SIGN COMMAND...: runs it in the background and reads what it prints
# until a line has the sign; the rest of that line is in $said afterwards.
start() {
  local name=$1 sign=$2 line
  shift 2
  open "$name" "$@"
  while IFS= read -r -t 60 -u "${out[$name]}" line; do
    [[ $line == *"$sign"* ]] || continue
    said=${line#*"$sign"}
    cat <&"${out[$name]}" >>"$work/log/$name.log" & # until it ends
    return
  done
  die "$name did not say \"$sign\""
}

# open NAME COMMAND...: runs it in the background; its output is ${out[NAME]}.
open() {
  local name=$1 fd
  shift
  rm -f "$work/$name.pipe"
  mkfifo "$work/$name.pipe"
  "$@" >"$work/$name.pipe" 2>>"$work/log/$name.log" </dev/null &
  pid[$name]=$!
  exec {fd}<"$work/$name.pipe"
  out[$name]=$fd
}

# stop NAME: asks it to end, by its pid, and waits until it has; what does not
# end is killed.
stop() {
  local name=$1
  [ -n "${pid[$name]:-}" ] || return 0
  kill "${pid[$name]}" 2>/dev/null || true # it may have ended by itself
  timeout 20 tail -s 0.1 --pid="${pid[$name]}" -f /dev/null || kill -KILL "${pid[$name]}"
  wait "${pid[$name]}" 2>/dev/null || true # how it ends is not asked here
  unset "pid[$name]"
}

# leave ends every part, whatever happened, and keeps what they said.
leave() {
  local status=$? name
  set +e # whatever fails from here on, the rest is still ended and put away
  trap - EXIT INT TERM
  for name in unbindctl unbindd readersim socat tickets desk; do stop "$name"; done
  if [ "$status" -ne 0 ]; then
    echo
    echo "demo: FAILED in \"$section\" (exit $status); the last lines of each part:" >&2
    for name in "$work"/log/*; do [ -f "$name" ] || continue; echo "-- $(basename "$name")"; tail -n 5 "$name"; done >&2
  fi
  rm -rf "$work"
  exit "$status"
}
