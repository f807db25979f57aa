# shellcheck shell=bash
# What launch/quickstart.sh, the scripts in tests/ and .ci/run share, which source this file: the packages that the program
# is made from, how they get onto the machine, and how a preset is built. Names are those of Debian 12 and 13; Ubuntu 24.04
# has the same.

# shellcheck disable=SC2034  # used by those who source this
program_packages=(g++ cmake ninja-build libopenmpi-dev openmpi-bin libdnnl-dev libspdlog-dev libfmt-dev
  libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libxxhash-dev zlib1g-dev libsimgrid-dev gnuplot-nox iproute2)
# They only make builds faster: installed along with what is needed, never asked for alone.
optional_packages=(ccache mold)
# shellcheck disable=SC2034
test_packages=(catch2 libboost-context-dev)
# llvm-16 has the symbolizer: without it reports name no function, and no suppression finds one.
# shellcheck disable=SC2034
sanitizer_packages=(clang-16 libclang-rt-16-dev libomp-16-dev lld-16 llvm-16)

# install_packages NAME...: installs those that are missing. Where none is, neither root nor a network is needed.
install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    echo "Not a Debian or Ubuntu system: please see to it that these, or their like, are installed: $*" >&2
    return
  fi
  local missing=() as_root=() package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then return; fi
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "Packages are missing and there is no sudo here. As root: apt-get install ${missing[*]}" >&2
      exit 3
    fi
    as_root=(sudo)
  fi
  missing+=("${optional_packages[@]}")
  echo "Installing ${missing[*]}"
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# build PRESET TARGET [CMAKE OPTION...]: configures and builds in build/PRESET.
build() {
  cmake --preset "$1" "${@:3}"
  cmake --build --preset "$1" --target "$2"
}

# first_commands PROGRAM CLUSTER: what shows most of the program, a line each; tests/launch/first_commands_test.sh runs
# them. CLUSTER names the hosts that the second makes and removes.
first_commands() {
  # Two ranks even where there is one core, and all cores shared by the two; mpirun wants to be told that root is meant.
  local mpirun="mpirun -np 2 --oversubscribe --bind-to none" netcluster=launch/netcluster.sh hosts="--name $2"
  if ((EUID == 0)); then mpirun+=" --allow-run-as-root"; else netcluster="sudo $netcluster"; fi
  echo "$mpirun $1 train configs/jobs/digits-convnet.toml"
  echo "$netcluster up 2 --rate 1gbit $hosts && $netcluster run $hosts -np 2 $1 bench step configs/jobs/mnist-mlp.toml" \
    "--exchange codec=dynamic-tree8 --exchange codec=fp32; $netcluster down $hosts"
  echo "$1 scale simulate --workload alexnet-2014 --fabric fdr-2014 --nodes 32 --gpus-per-node 3" \
    "--codec dynamic-tree8,fp32 --algorithm hierarchical --bucket 16MiB"
}

# duration SECONDS: "2 min 5 s".
duration() {
  if (($1 < 60)); then echo "$1 s"; else echo "$(($1 / 60)) min $(($1 % 60)) s"; fi
}
