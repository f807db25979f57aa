#!/usr/bin/env bash
# One archive that runs a build elsewhere. See usage().
set -euo pipefail
shopt -s extglob
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")

usage() {
  cat <<'END'
Usage: launch/scripts/bundle.sh [--with-cuda] [--output FILE] [BUILD]

Packs the program of BUILD (build/release), its shared libraries, the Open MPI it was built with, the jobs,
fabrics and workloads of configs/, and tests/gpu.sh, with the GPU's tests where BUILD has them, into FILE
(eightfold.tar.gz): a folder eightfold/ that runs wherever it is unpacked, on machines with none of the packages. They need Linux on the same kind of
processor, a C library no older than this machine's, and the driver of their GPU.

  --with-cuda    pack cuBLAS, cuDNN and the rest of CUDA too, about a gigabyte; without it they have to be on the machine
  --output FILE  the archive
  --help         print this

  tar -xzf eightfold.tar.gz
  eightfold/run mpirun -np 2 eightfold train eightfold/configs/jobs/digits-mlp.toml
  eightfold/run eightfold/tests/gpu.sh eightfold/build

Exit codes: 2 usage, 3 no such build, or not all of it is on this machine.
END
}

refuse() { # EXIT_CODE MESSAGE
  echo "bundle: $2" >&2
  exit "$1"
}

build=$root/build/release
output=eightfold.tar.gz
with_cuda=false
while (($#)); do
  case $1 in
    --with-cuda) with_cuda=true ;;
    --output)
      if (($# < 2)); then refuse 2 "--output needs a value; see --help"; fi
      output=$2
      shift
      ;;
    -h | --help) usage; exit ;;
    -*) refuse 2 "unknown option \"$1\"; see --help" ;;
    *) build=$(realpath -m "$1") ;;
  esac
  shift
done
program=$build/launch/eightfold
[[ -x $program ]] || refuse 3 "no program in $build: cmake --preset release && cmake --build --preset release"

staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
bundle=$staging/eightfold
mkdir -p "$bundle"/{bin,libexec,lib/rdma,mpi,build/launch,configs,tests/peers}

# --- shared libraries ---

declare -A origin # NAME of each that is packed: its path here

# Where a library goes, under lib/; nothing for what a machine itself has to bring.
place_of() { # NAME
  case $1 in
    # The C library's parts fit each other and the loader.
    lib@(c|m|mvec|dl|rt|pthread|resolv|util|anl).so.[0-9]*) ;;
    # The driver's fit the module in the kernel.
    libcuda.so.* | libnvidia-*.so.*) ;;
    libcu@(dart|blas|blasLt|dnn|dnn_*|fft|rand|solver|sparse|pti|file).so.* | libnv@(rtc*|JitLink|ToolsExt).so.*)
      if $with_cuda; then echo .; fi
      ;;
    # These load drivers of their own version: a machine's own go first.
    libibverbs.so.* | librdmacm.so.* | libmlx[45].so.* | libefa.so.*) echo rdma ;;
    *) echo . ;;
  esac
}

# "FILE<tab>NAME<tab>PATH" for each library that a file is linked with, and that those are; PATH is "not found" for one
# that is not here. One ldd for all: it takes longer to start than to answer.
links_of() { # FILE...
  ldd "$@" | awk -v file="$1" -F ' => ' '
    /^[^\t]/ { file = $0; sub(/:$/, "", file); next }
    NF == 2 { sub(/^\t/, "", $1); sub(/ \(0x[0-9a-f]+\)$/, "", $2); printf "%s\t%s\t%s\n", file, $1, $2 }'
}

take_library() { # NAME PATH NEEDED_BY
  local place
  if [[ -n ${origin[$1]-} ]]; then return; fi
  place=$(place_of "$1")
  if [[ -z $place ]]; then return; fi
  [[ $2 == /* ]] || refuse 3 "$3 needs $1, which this machine does not have"
  cp -L "$2" "$bundle/lib/$place/$1"
  origin[$1]=$(realpath "$2")
}

# Packs what FILE... are linked with, and what that is linked with.
take_libraries() { # FILE...
  local file name path
  while IFS=$'\t' read -r file name path; do take_library "$name" "$path" "$file"; done < <(links_of "$@")
}

# Packs what a library loads when it runs. A module that could not be loaded here will not be missed there.
take_modules() { # TO MODULE...
  local to=$1 file name path module
  local -A lacking=() whole=()
  shift
  mkdir -p "$to"
  while IFS=$'\t' read -r file name path; do
    if [[ $path == "not found" && -n $(place_of "$name") ]]; then lacking[$file]=$name; fi
  done < <(links_of "$@")
  for module in "$@"; do
    if [[ -z ${lacking[$module]-} ]]; then whole[$module]=1; fi
  done
  if ((${#whole[@]} == 0)); then return; fi
  cp -L "${!whole[@]}" "$to"
  take_libraries "${!whole[@]}"
}

# --- the program and its tests ---

take_program() { # PATH, in the build
  [[ -x $build/$1 ]] || refuse 3 "$build/$1 is not built: cmake --build $build --target gpu_tests"
  mkdir -p "$bundle/build/${1%/*}"
  cp "$build/$1" "$bundle/build/$1"
  take_libraries "$build/$1"
}
take_program launch/eightfold
ln -s ../build/launch/eightfold "$bundle/libexec/eightfold"
cp -r "$root"/configs/{jobs,fabrics,workloads} "$bundle/configs/"
cp "$root/tests/gpu.sh" "$bundle/tests/"
cp "$root/tests/peers/compare_step.py" "$bundle/tests/peers/"
if [[ -s $build/tests/gpu_programs.txt ]]; then
  mkdir -p "$bundle/build/tests"
  cp "$build/tests/gpu_programs.txt" "$bundle/build/tests/"
  while read -r test; do take_program "$test"; done < <(cut -d ' ' -f 2 "$build/tests/gpu_programs.txt" | sort -u)
fi
# cuDNN loads its parts when they are first used, and of the toolkit the compiler.
if $with_cuda; then
  shopt -s nullglob
  for name in "${!origin[@]}"; do
    case $name in
      libcudnn.so.* | libcublasLt.so.*)
        from=${origin[$name]%/*}
        take_modules "$bundle/lib" "$from"/libcudnn_*.so.[0-9] "$from"/libnvrtc{,-*}.so.[0-9][0-9]
        ;;
    esac
  done
  shopt -u nullglob
fi

# --- Open MPI ---

# The program's own: the mpirun of another would start ranks that do not know each other.
mpi_library=${origin[libmpi.so.40]-}
[[ -n $mpi_library ]] || refuse 3 "$program is not linked with Open MPI 4 or 5"
mpi_of() { realpath "$(ldd "$1" | awk '$1 == "libmpi.so.40" { print $3 }')"; } # PROGRAM
ompi_info=$(command -v ompi_info) || refuse 3 "no ompi_info in PATH"
[[ $(mpi_of "$ompi_info") == "$mpi_library" ]] ||
  refuse 3 "$ompi_info belongs to another Open MPI than the program, whose library is $mpi_library: set PATH"
# Open MPI 5 leaves it to PRRTE to start ranks.
if [[ -x ${ompi_info%/*}/orted ]]; then starters=(orted); else starters=(prterun prted); fi
tools=(mpirun "${starters[@]}" ompi_info)
for tool in "${tools[@]}"; do
  path=${ompi_info%/*}/$tool
  [[ -x $path ]] || refuse 3 "$path is missing"
  cp -L "$path" "$bundle/libexec/$tool"
  take_libraries "$path"
done

mpi_path() { "$ompi_info" --path "$1" --parsable | awk -F : 'NR == 1 { print $3 }'; } # WHAT
# Where it looks for WHAT when OPAL_PREFIX is mpi/ in the bundle.
moved() { # WHAT
  local path prefix
  path=$(mpi_path "$1")
  prefix=$(mpi_path prefix)
  [[ $path == "$prefix"/* ]] || refuse 3 "Open MPI's $1, $path, is not under its prefix, $prefix"
  echo "$bundle/mpi${path#"$prefix"}"
}
take_modules "$(moved pkglibdir)" "$(mpi_path pkglibdir)"/*.so
mkdir -p "$(moved pkgdatadir)"
cp -rL "$(mpi_path pkgdatadir)/." "$(moved pkgdatadir)"
# PRRTE's messages.
if [[ " ${tools[*]} " == *" prted "* ]]; then cp -rL "$(mpi_path datadir)/prte" "$(moved datadir)"; fi

# These load modules too.
module_home() { # NAME SUBFOLDER: where the library that was packed as NAME finds them here, if it does
  local home=${origin[$1]-}
  home=${home%/*}/$2
  if [[ -n ${origin[$1]-} && -d $home ]]; then echo "$home"; fi
}
ucx=$(module_home libucs.so.0 ucx)
if [[ -n $ucx ]]; then take_modules "$bundle/lib/ucx" "$ucx"/*.so.0; fi
pmix=$(module_home libpmix.so.2 pmix)
if [[ -n $pmix ]]; then take_modules "$bundle/pmix/lib/pmix" "$pmix"/*.so; fi

# --- how it is started ---

cat >"$bundle/run" <<'END'
#!/bin/sh
# run COMMAND [ARGUMENT...]: runs it with what this folder holds. Called by another name it is that program: so mpirun
# starts its daemons and the ranks, also on other machines, which need this folder under the same path.
here=$(dirname "$(readlink -f "$0")")
PATH=$here/bin:${PATH:-/usr/local/bin:/usr/bin:/bin}
libraries=$here/lib
# A machine with RDMA has libraries that fit its drivers.
if ! PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep -q 'libibverbs\.so\.1'; then
  libraries=$libraries:$here/lib/rdma
fi
case :${LD_LIBRARY_PATH-}: in
  *":$here/lib:"*) ;;
  *) LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} ;;
esac
# Open MPI 4 knows PMIx by its first name, 5 by its second.
OPAL_PREFIX=$here/mpi PRTE_PREFIX=$here/mpi
PMIX_INSTALL_PREFIX=$here/pmix PMIX_PREFIX=$here/pmix
# Nor does 5 start anything where there is no home directory, as in a service.
HOME=${HOME:-/}
export PATH LD_LIBRARY_PATH OPAL_PREFIX PRTE_PREFIX PMIX_INSTALL_PREFIX PMIX_PREFIX HOME
# Without a way to other machines mpirun would not start anything on this one.
if ! command -v ssh >/dev/null && ! command -v rsh >/dev/null; then
  export OMPI_MCA_plm="${OMPI_MCA_plm-^rsh}" PRTE_MCA_plm="${PRTE_MCA_plm-^ssh}"
fi
case ${0##*/} in
  run) exec "$@" ;;
  *) exec "$here/libexec/${0##*/}" "$@" ;;
esac
END
chmod +x "$bundle/run"
for tool in eightfold "${tools[@]}"; do ln -s ../run "$bundle/bin/$tool"; done
ln -s ../bin "$bundle/mpi/bin" # mpirun looks for its daemon in OPAL_PREFIX
"$program" --version >"$bundle/VERSION"

tar --sort=name --owner=0 --group=0 -C "$staging" -czf "$output" eightfold
echo "$output: $(stat -c %s "$output") bytes, ${#origin[@]} libraries"
