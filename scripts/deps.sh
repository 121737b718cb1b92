#!/usr/bin/env bash
# Sees to it that the system tools the tests and the demo speak to are there.
# Installs only what is missing and never upgrades what is there; where it may
# not install, it names what is missing and ends with 1.
set -euo pipefail

# What is looked for, and the Debian package that brings it. A path is looked
# for as a file: libccidtwin.so is no command but what pcscd loads.
needs=(
  socat=socat age=age zstd=zstd jq=jq openssl=openssl xxd=xxd strace=strace fusermount3=fuse3
  mosquitto=mosquitto pcscd=pcscd opensc-tool=opensc pcsc_scan=pcsc-tools scriptor=pcsc-tools
  mkfs.ext4=e2fsprogs mkfs.xfs=xfsprogs mkfs.btrfs=btrfs-progs losetup=mount
  /usr/lib/pcsc/drivers/serial/libccidtwin.so=libccid
  /usr/bin/chromium=chromium /usr/share/fonts/truetype/wqy/wqy-microhei.ttc=fonts-wqy-microhei node=nodejs npm=npm
)
# What `make lab` compares with, and no test needs.
[ "${1:-}" != lab ] || needs+=(shred=coreutils srm=secure-delete wipe=wipe fstrim=util-linux)

there() {
  case "$1" in
    /*) [ -e "$1" ] ;;
    # pcscd and mosquitto lie in sbin, which is not in everybody's PATH.
    *) PATH=$PATH:/usr/sbin command -v "$1" >/dev/null 2>&1 ;;
  esac
}

packages=()
for need in "${needs[@]}"; do
  package=${need#*=}
  there "${need%%=*}" || [[ " ${packages[*]} " == *" $package "* ]] || packages+=("$package")
done
[ "${#packages[@]}" -eq 0 ] && exit 0

# Asking for a password would hang a build that nobody watches, hence -n.
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! sudo -n true 2>/dev/null; then
    echo "deps: missing: ${packages[*]}; install them as root, for example: apt-get install --no-install-recommends ${packages[*]}" >&2
    exit 1
  fi
  as_root=(sudo -n)
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "deps: missing: ${packages[*]}; there is no apt-get here, install them by the system's own means" >&2
  exit 1
fi

# A pcscd that the installation starts would hold the one socket a machine has
# for it, and the tests could not start theirs. Somebody's own policy stays.
policy=/usr/sbin/policy-rc.d
start_no_service() {
  [ -e "$policy" ] && return 0
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
}

install_missing() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends --no-upgrade "${packages[@]}"
}

echo "deps: installing ${packages[*]}" >&2
start_no_service
# The package lists are fetched only when the ones at hand do not do.
if ! install_missing >/dev/null 2>&1; then
  "${as_root[@]}" apt-get update -q >&2
  install_missing >&2
fi

for need in "${needs[@]}"; do
  if ! there "${need%%=*}"; then
    echo "deps: ${need%%=*} is still missing after the installation" >&2
    exit 1
  fi
done
