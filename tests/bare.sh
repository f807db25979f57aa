#!/usr/bin/env bash
# First steps and tests on a bare Debian. See usage().
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source launch/scripts/setup.sh

usage() {
  cat <<'END'
Usage: tests/bare.sh bookworm|trixie [--keep]
       tests/bare.sh --enter ROOT [COMMAND...]

Makes a root directory with the least of Debian 12 (bookworm) or 13 (trixie), clones HEAD of this repository into it, and
runs there what a newcomer would: launch/quickstart.sh, then tests/run.sh. Ends with how long they took and the versions
of what they were built with.

  --keep        leave the root directory, which is in $TMPDIR or /tmp, to be entered again
  --enter ROOT  run COMMAND, or a shell, in the clone in a root directory that was left
  --help        print this

Packages come from the mirror that this machine uses, with its settings of apt, its certificates and http_proxy. Needs
root, Debian and 10 GB of disk. Exit codes: 1 a step failed, 2 usage, 3 this machine cannot do it.
END
}

refuse() { # EXIT_CODE MESSAGE
  echo "bare: $2" >&2
  exit "$1"
}

# The mirror that this machine has its own packages from.
mirror() {
  local found
  # shellcheck disable=SC2016  # apt expands them
  found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 '/debian/$' || true)
  echo "${found:-http://deb.debian.org/debian/}"
}

make_root() { # SUITE ROOT
  local from settings
  from=$(mirror)
  debootstrap --variant=minbase --include=ca-certificates "$1" "$2" "$from"
  mapfile -t settings < <(grep -ls '^ *Acquire' /etc/apt/apt.conf /etc/apt/apt.conf.d/*)
  if ((${#settings[@]} > 0)); then cp "${settings[@]}" "$2/etc/apt/apt.conf.d/"; fi
  if [[ -d /usr/local/share/ca-certificates ]]; then
    cp -r /usr/local/share/ca-certificates "$2/usr/local/share/"
    chroot "$2" update-ca-certificates
  fi
  git clone --quiet . "$2$clone"
}

# Runs COMMAND in the clone in ROOT. What is mounted there is so in a mount namespace and goes with it, however it ends.
inside() { # ROOT COMMAND...
  # shellcheck disable=SC2016  # the inner shell expands them
  unshare --mount --propagation private sh -ec '
    root=$1 clone=$2
    shift 2
    mount --bind "$root" "$root" # a root directory that is a mount: ip netns wants one
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --rbind /sys "$root/sys"
    mount -o remount,bind,ro "$root/sys"
    mount -t tmpfs tmpfs "$root/run"
    exec chroot "$root" env -i -C "$clone" HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} ${no_proxy:+no_proxy="$no_proxy"} \
      "$@"' sh "$1" "$clone" "${@:2}"
}

# A step that fails does not keep the next from being tried, nor the summary from being read.
step() { # ROOT COMMAND
  local start=$SECONDS outcome=passed
  printf '\n== %s\n' "$2"
  inside "$1" "$2" || outcome="failed with exit code $?"
  [[ $outcome == passed ]] || failed=true
  summary+="$2 $outcome in $(duration $((SECONDS - start)))"$'\n'
}

# shellcheck disable=SC2016  # dpkg-query expands them
versions() { # ROOT
  inside "$1" dpkg-query -W -f '${source:Package} ${source:Version}\n' g++ cmake ninja-build libopenmpi-dev libpmix2t64 \
    libpmix2 libhwloc15 libdnnl-dev libfmt-dev libspdlog-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev \
    libxxhash-dev libsimgrid-dev catch2 2>/dev/null | sort -u || true # PMIx has one of the two names
}

clone=/root/eightfold
keep=false suite=''
while (($#)); do
  case $1 in
    bookworm | trixie) suite=$1 ;;
    --keep) keep=true ;;
    --enter)
      if (($# < 2)) || [[ ! -d $2$clone ]]; then refuse 2 "--enter needs a root directory that --keep left"; fi
      if (($# == 2)); then set -- "$@" bash; fi
      inside "$(realpath "$2")" "${@:3}"
      exit
      ;;
    -h | --help) usage; exit ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
if [[ -z $suite ]]; then usage >&2; exit 2; fi
if ((EUID != 0)); then refuse 3 "only root can make a root directory and enter it"; fi
install_packages debootstrap

root=$(mktemp -d "${TMPDIR:-/tmp}/eightfold-$suite-XXXXXX")
chmod 755 "$root"
echo "The root directory is $root"
if ! $keep; then trap 'rm -rf --one-file-system "$root"' EXIT; fi
SECONDS=0 summary='' failed=false
make_root "$suite" "$root"
step "$root" launch/quickstart.sh
step "$root" tests/run.sh
printf '\n%s\n%s' "$(versions "$root")" "$summary"
if $keep; then echo "Left in $root: tests/bare.sh --enter $root"; fi
if $failed; then exit 1; fi
