#!/usr/bin/env bash
# bundle_test.sh BUNDLE PROGRAM JOB: what launch/scripts/bundle.sh packs runs where there is neither the build nor a package. The
# build is a copy of the program's, moved away before the archive is unpacked. Where that can be made, the job also runs
# in a root directory with nothing but the bundle, the C library and a shell.
set -euo pipefail
bundle=$1 program=$2 job=$3
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../support/checks.sh"

needs mpirun ompi_info
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
hash() { sed -n 's/^result .*weight_hash=\([^ ]*\).*/\1/p' "$scratch/output"; }

# --- the command line ---

check "help is not an error" exits 0 "$bundle" --help
check "usage: an unknown option" exits 2 "$bundle" --everything
check "usage: an option without its value" exits 2 "$bundle" --output
check "a build that is not there" exits 3 "$bundle" "$scratch/nowhere"

# --- packed, and its build moved away ---

mkdir -p "$scratch/build/launch" "$scratch/node"
cp "$program" "$scratch/build/launch/eightfold"
check "a build is packed" exits 0 "$bundle" --output "$scratch/eightfold.tar.gz" "$scratch/build"
mv "$scratch/build" "$scratch/hidden"
tar -xzf "$scratch/eightfold.tar.gz" -C "$scratch/node"
node=$scratch/node/eightfold
foreign() { # PROGRAM: the libraries that would come from outside of the bundle, but for the C library's
  "$node/run" ldd "$1" | awk '$2 == "=>" { print $1, $3 }' | grep -vF "$node/lib/" |
    grep -vE '^(lib(c|m|mvec|dl|rt|pthread|resolv|util|anl)|libibverbs|librdmacm|libmlx[45]|libefa)\.so' | xargs
}
for each in eightfold mpirun orted prterun prted; do # those of Open MPI 4, or those of 5
  if [[ ! -e $node/libexec/$each ]]; then continue; fi
  check "$each gets its libraries from the bundle" is "$(foreign "$node/libexec/$each")" ""
done
check "the C library is not among them" is "$(find "$node" -name 'libc.so*' -o -name 'ld-linux*')" ""
check "nor a driver" is "$(find "$node" -name 'libcuda.so*' -o -name 'libnvidia*')" ""
check "nothing in it is a link to the outside" is \
  "$(find "$node" -type l -exec realpath {} + | grep -vF "$node/" | xargs)" ""

root_may=(OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_NUM_THREADS=1)
if [[ -n ${ASAN_OPTIONS-} ]]; then root_may+=(ASAN_OPTIONS="$ASAN_OPTIONS"); fi
small=(--set job.steps=4 --set schedule.warmup_steps=1 --set data.train=512 --set data.test=128)
train=(mpirun -np 2 --oversubscribe eightfold train)
check "the build trains" exits 0 env "${root_may[@]}" mpirun -np 2 --oversubscribe "$scratch/hidden/launch/eightfold" \
  train "$job" "${small[@]}" --set "job.run_dir=\"$scratch/runs\""
of_the_build=$(hash)
cd "$scratch/node"
check "with an empty environment, the bundle trains" exits 0 env -i "${root_may[@]}" \
  eightfold/run "${train[@]}" "eightfold/configs/jobs/${job##*/}" "${small[@]}"
check "on two ranks" says "2 ranks on 1 node"
check "to the same weights, bit for bit" is "$(hash)" "$of_the_build"
check "its Open MPI is where it was unpacked" is \
  "$(env -i eightfold/bin/ompi_info --path pkglibdir --parsable | awk -F : 'NR == 1 { print $3 }' | grep -cF "$node/mpi/")" 1

# --- a machine with nothing else ---

bare=$scratch/bare
needed=()
for each in sh readlink dirname grep; do needed+=("$(realpath "$(command -v "$each")")"); done
mkdir -p "$bare"/{bin,dev,proc,sys,tmp,lib,etc}
mapfile -t libraries < <({
  ldd "${needed[@]}" | awk '$2 == "=>" { print $3 }'
  ldd "$node/libexec/eightfold" "$node"/lib/*.so* | awk '$2 == "=>" { print $3 }' |
    grep -E '/lib(c|m|mvec|dl|rt|pthread|resolv|util|anl)\.so'
  ldd "$node/libexec/eightfold" | awk '$1 ~ "/ld-linux" { print $1 }'
} | sort -u)
for each in "${libraries[@]}"; do
  mkdir -p "$bare${each%/*}"
  cp -L "$each" "$bare$each"
done
for each in sh readlink dirname grep; do cp -L "$(command -v "$each")" "$bare/bin/$each"; done
echo "root:x:0:0:root:/:/bin/sh" >"$bare/etc/passwd"
cp -r eightfold "$bare/"
# shellcheck disable=SC2016  # for the inner shell to expand
in_the_bare_root='for each in dev proc sys; do mount --rbind "/$each" "$0/$each"; done; exec chroot "$0" "$@"'
if ((EUID == 0)) && unshare --mount true 2>/dev/null; then
  check "without any package, it trains too" exits 0 env -i PATH="$PATH" "${root_may[@]}" unshare --mount \
    bash -c "$in_the_bare_root" "$bare" /eightfold/run "${train[@]}" "/eightfold/configs/jobs/${job##*/}" \
    "${small[@]}" --set 'job.run_dir="/tmp/runs"'
  check "to the same" is "$(hash)" "$of_the_build"
else
  echo "left out: only root can make a bare root"
fi

all_passed
