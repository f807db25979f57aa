#!/usr/bin/env bash
# UCX and Open MPI with CUDA, for machines whose packages have them without. See usage().
set -euo pipefail
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
source "$root/launch/scripts/setup.sh"

usage() {
  cat <<'END'
Usage: launch/scripts/build_cuda_mpi.sh [--cuda DIR] PREFIX

Builds UCX and Open MPI with CUDA from the sources of the distribution's packages and installs both in PREFIX. Takes a
quarter of an hour on two cores and needs no GPU. The packages of the distribution stay as they are; what the build
itself needs is installed (with apt-get, as root or through sudo).

  --cuda DIR  the CUDA Toolkit; /usr/local/cuda without it
  --help      print this

Exit codes: 2 usage, 3 something is missing, 1 the build failed; its folder, with a log of each step, is then named.
END
}

refuse() { # EXIT_CODE MESSAGE
  echo "build_cuda_mpi: $2" >&2
  exit "$1"
}

cuda=/usr/local/cuda
prefix=
while (($#)); do
  case $1 in
    --cuda)
      if (($# < 2)); then refuse 2 "--cuda needs a value; see --help"; fi
      cuda=$2
      shift
      ;;
    -h | --help) usage; exit ;;
    -*) refuse 2 "unknown option \"$1\"; see --help" ;;
    *)
      if [[ -n $prefix ]]; then refuse 2 "\"$1\" follows a PREFIX already; see --help"; fi
      prefix=$(realpath -m "$1")
      ;;
  esac
  shift
done
if [[ -z $prefix ]]; then usage >&2; exit 2; fi
[[ $prefix != *[[:space:]]* ]] || refuse 2 "a PREFIX with white space is more than these builds can take"
[[ -e $cuda/include/cuda.h && -e $cuda/include/cuda_runtime.h ]] || refuse 3 "no CUDA Toolkit in $cuda; see --cuda"
command -v apt-get >/dev/null || refuse 3 "apt-get is missing: the sources are those of Debian's or Ubuntu's packages"

SECONDS=0
install_packages g++ make xz-utils pkg-config autoconf automake libtool libibverbs-dev librdmacm-dev libnuma-dev
work=$(mktemp -d)

# step NAME COMMAND...: with its output in a log.
step() {
  local start=$SECONDS log=$work/${1// /-}.log status
  printf '%s ... ' "$1"
  set +e # in a condition, the command would not end at its first failure either
  (set -e; "${@:2}") >"$log" 2>&1
  status=$?
  set -e
  if ((status == 0)); then
    duration $((SECONDS - start))
    return
  fi
  echo failed
  tail -n 20 "$log" | sed 's/^/    | /' >&2
  refuse 1 "$1 failed; what there is of it is in $work"
}

# --- sources ---

# apt-get with a list of its own, with sources and with the sections that NVIDIA's header is in. It checks signatures as
# ever; nothing of it touches the system's lists.
archive() {
  apt-get -q -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=- -o Dir::State::Lists="$work/lists" \
    -o Dir::Cache="$work/cache" -o APT::Sandbox::User="$(id -un)" "$@"
}
fetch() {
  mkdir -p "$work"/{lists,cache/archives,source}
  # shellcheck disable=SC2016  # for apt-get to fill in
  apt-get indextargets --format '$(LABEL) $(REPO_URI) $(RELEASE)' 'Created-By: Packages' | sort -u |
    awk '$1 == "Debian" { print "deb", $2, $3, "main non-free"; print "deb-src", $2, $3, "main" }
         $1 == "Ubuntu" { print "deb", $2, $3, "main multiverse"; print "deb-src", $2, $3, "main universe" }' \
      >"$work/sources.list"
  [[ -s $work/sources.list ]] || return 1
  archive update
  cd "$work/source"
  archive source --download-only ucx openmpi
  if [[ ! -e $cuda/include/nvml.h ]]; then archive download libnvidia-ml-dev; fi
}
unpack() {
  local each
  cd "$work/source"
  for each in ucx openmpi; do
    mkdir "$work/$each"
    tar -xf "$each"_*.orig.tar.* --strip-components 1 -C "$work/$each"
  done
  for each in *.deb; do
    if [[ -e $each ]]; then dpkg-deb -x "$each" "$work/nvml"; fi
  done
}

# Something to link with where no driver is installed: every function of NVML's header, none of which does anything. On
# a machine with a GPU the loader finds the driver's library, which has the same name.
make_stand_in() {
  local header=$cuda/include/nvml.h
  if [[ ! -e $header ]]; then header=$work/nvml/usr/include/nvml.h; fi
  mkdir -p "$work/link" "$work/include"
  cp "$header" "$work/include/"
  { echo nvmlInit; grep -oE 'DECLDIR +nvml[A-Za-z0-9_]+' "$header" | awk '{ print $2 }'; } | sort -u |
    sed 's/.*/void &(void) {}/' >"$work/link/nvml.c"
  gcc -shared -fPIC -Wl,-soname,libnvidia-ml.so.1 -o "$work/link/libnvidia-ml.so" "$work/link/nvml.c"
}

# --- builds ---

# Modules need CUDA's runtime and each other's libraries wherever they are loaded from.
search=(CPPFLAGS="-I$work/include" LDFLAGS="-L$work/link -Wl,-rpath,$prefix/lib -Wl,-rpath,$cuda/lib64")
configure_ucx() {
  cd "$work/ucx"
  if [[ ! -e debian ]]; then ln -s debian.upstream debian; fi # as Debian calls it, and its configure does not
  ./autogen.sh
  contrib/configure-release --prefix="$prefix" --with-cuda="$cuda" --enable-mt --with-verbs --with-rdmacm \
    --without-java --without-go --disable-static "${search[@]}"
}
# By folder: its tests are not for CUDA 13.
build_ucx() {
  local folder
  for folder in src/ucm src/ucs src/uct src/ucp src/tools/info; do
    make -C "$work/ucx/$folder" -j "$(nproc)"
    make -C "$work/ucx/$folder" install
  done
}
# What it else takes from packages, itself, so that PREFIX is all of it.
configure_openmpi() {
  cd "$work/openmpi"
  ./configure --prefix="$prefix" --with-cuda="$cuda" --with-ucx="$prefix" --with-pmix=internal --with-hwloc=internal \
    --with-libevent=internal --with-slurm --enable-mpi-cxx --disable-mpi-fortran --disable-oshmem --disable-static \
    --enable-mca-no-build=btl-uct,btl-openib --without-verbs "${search[@]}"
}
build_openmpi() {
  make -C "$work/openmpi" -j "$(nproc)"
  make -C "$work/openmpi" install
}

step "fetch sources" fetch
step "unpack" unpack
step "link without a driver" make_stand_in
step "configure UCX" configure_ucx
step "build UCX" build_ucx
step "configure Open MPI" configure_openmpi
step "build Open MPI" build_openmpi

# --- what came of it ---

support=$("$prefix/bin/ompi_info" --parsable --all | grep 'mpi_built_with_cuda_support:value') ||
  refuse 1 "$prefix/bin/ompi_info says nothing of CUDA; see $work"
[[ $support == *:true ]] || refuse 1 "$prefix/bin/ompi_info says $support; see $work"
"$prefix/bin/ompi_info" --parsable | grep '^mca:pml:ucx:' >/dev/null || refuse 1 "Open MPI was built without UCX; see $work"
[[ -e $prefix/lib/ucx/libuct_cuda.so ]] || refuse 1 "UCX was built without CUDA; see $work"
rm -rf "$work"
cat <<END

$support
Open MPI $("$prefix/bin/ompi_info" --parsable | sed -n 's/^ompi:version:full://p') and UCX are in $prefix, after $(duration "$SECONDS").
A program that was built with Open MPI 4 runs with it as it is:
  PATH=$prefix/bin:\$PATH LD_LIBRARY_PATH=$prefix/lib mpirun -np 2 eightfold train configs/jobs/digits-mlp.toml
and one that was built with it needs no LD_LIBRARY_PATH:
  PATH=$prefix/bin:\$PATH cmake --preset cuda
END
