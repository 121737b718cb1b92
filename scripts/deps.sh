#!/usr/bin/env bash
# Sees to it that the system tools the tests and the demo speak to are there.
# Installs only what is missing and never upgrades what is there; where it may
# not install, it names what is missing and ends with 1.
set -euo pipefail

# Command and Debian package have the same name for each of these.
tools=(socat age zstd jq openssl strace)

missing=()
for tool in "${tools[@]}"; do
  command -v "$tool" >/dev/null 2>&1 || missing+=("$tool")
done
[ "${#missing[@]}" -eq 0 ] && exit 0

# Asking for a password would hang a build that nobody watches, hence -n.
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! sudo -n true 2>/dev/null; then
    echo "deps: missing: ${missing[*]}; install them as root, for example: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo -n)
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "deps: missing: ${missing[*]}; there is no apt-get here, install them by the system's own means" >&2
  exit 1
fi

install_missing() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends --no-upgrade "${missing[@]}"
}

echo "deps: installing ${missing[*]}" >&2
# The package lists are fetched only when the ones at hand do not do.
if ! install_missing >/dev/null 2>&1; then
  "${as_root[@]}" apt-get update -q >&2
  install_missing >&2
fi

for tool in "${missing[@]}"; do
  if ! command -v "$tool" >/dev/null 2>&1; then
    echo "deps: $tool is still missing after the installation" >&2
    exit 1
  fi
done
