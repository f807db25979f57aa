#!/usr/bin/env bash
# A cluster on one machine. See usage().
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

usage() {
  cat <<'END'
Usage: launch/netcluster.sh up N --rate RATE [--delay DELAY] [--name NAME]
       launch/netcluster.sh run -np K [--hosts HOSTS] [--name NAME] [--] COMMAND [ARGUMENT...]
       launch/netcluster.sh down [--name NAME]

Makes N hosts (1 to 200) out of network namespaces, each with its own host name, on a bridge in a namespace of its own,
and runs MPI programs across them. What they send each other is shaped to the rate of a network. Nothing of it touches
the machine's own interfaces and routes.

  up    makes the hosts NAME1, NAME2 ... with the addresses 10.88.0.1, 10.88.0.2 ...; all of them or, after a failure,
        none
  run   starts K ranks under mpirun, as evenly over the hosts as K allows: over all, the first --hosts 2, or those of
        --hosts NAME1,NAME3. The exit code is mpirun's. The environment reaches every rank; OMPI_MCA_* in it set what
        mpirun and the ranks would else choose, PRTE_MCA_* what the mpirun of Open MPI 5 would.
  down  ends what still runs on the hosts and removes them; where there is no cluster it does nothing

  --rate RATE    of each link, each way, as tc writes it: 1gbit, 100mbit
  --delay DELAY  from host to host, each way: 1ms, 100us; needs a kernel with netem
  --name NAME    clusters of different names do not meet: 1 to 8 lower-case letters; without it, fold
  --help         print this

Needs root, iproute2, util-linux and Open MPI 4 or 5. Exit codes: 2 usage, 3 this machine cannot do it.
END
}

refuse() { # EXIT_CODE MESSAGE
  echo "netcluster: $2" >&2
  exit "$1"
}

name="fold"
state=/run/eightfold-netcluster # only root writes /run

# All that there is of a cluster: these namespaces, and a directory with the number of its hosts, the launch agent and
# what MPI jobs leave open. Interfaces go with their namespaces.
switch() { echo "eightfold-$name-switch"; }
host() { echo "eightfold-$name-$1"; } # NUMBER
namespaces() { ip netns list | awk -v prefix="eightfold-$name-" 'index($1, prefix) == 1 { print $1 }'; }

# A token bucket with a queue of 50 ms: over anything longer than a packet train of 256 kB, a network card of this
# rate.
shape() { # NAMESPACE INTERFACE RATE
  tc -n "$1" qdisc add dev "$2" root handle 1: tbf rate "$3" burst 256kb latency 50ms ||
    refuse 3 "tc cannot shape a link to $3; it needs a kernel with sch_tbf"
}

# Inside the token bucket, on the host's side alone: on its way a packet passes one of them.
slow_down() { # NAMESPACE INTERFACE DELAY
  tc -n "$1" qdisc add dev "$2" parent 1:1 handle 2: netem delay "$3" limit 100000 ||
    refuse 3 "tc cannot delay a link by $3; it needs a kernel with sch_netem"
}

# TCP as in a machine room, whatever this machine is set to: BBR, made for the internet, paces by what it has seen of a
# link, and after the pause of a forward pass that is too little. Every kernel lets every namespace have Reno.
use_reno() { # NAMESPACE
  ip netns exec "$1" sysctl -qw net.ipv4.tcp_congestion_control=reno ||
    refuse 3 "the hosts cannot be given TCP Reno; it needs a kernel that lets root set net.ipv4.tcp_congestion_control"
}

add_host() { # NUMBER RATE DELAY
  local namespace
  namespace=$(host "$1")
  ip netns add "$namespace"
  ip -n "$(switch)" link add "port$1" type veth peer name eth0 netns "$namespace"
  ip -n "$(switch)" link set "port$1" master bridge up
  ip -n "$namespace" address add "10.88.0.$1/24" dev eth0
  ip -n "$namespace" link set lo up
  ip -n "$namespace" link set eth0 up
  use_reno "$namespace"
  shape "$namespace" eth0 "$2"
  shape "$(switch)" "port$1" "$2"
  if [[ -n $3 ]]; then slow_down "$namespace" eth0 "$3"; fi
}

# mpirun calls the agent as it would ssh, with a host (here an address) and a command for a shell over there.
write_agent() {
  cat >"$state/$name/agent" <<END
number=\${1##*.}
shift
exec ip netns exec "eightfold-$name-\$number" unshare --uts sh -c \\
  'hostname "\$0" && exec sh -c "\$1"' "$name\$number" "\$*"
END
}

# The trap of `up`: what was there until it failed or was interrupted goes again.
give_up() { # STATUS
  trap - EXIT
  set +e # one thing that cannot be removed is no reason to keep the others
  tear_down
  if (($1 > 128)); then exit "$1"; fi
  exit 3
}

up() { # HOSTS RATE DELAY
  if [[ -e $state/$name || -n $(namespaces) ]]; then
    refuse 3 "there is a cluster \"$name\" already: take it down first, or choose another --name"
  fi
  trap 'give_up $?' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  mkdir -p "$state"
  mkdir -m 700 "$state/$name"
  ip netns add "$(switch)" || refuse 3 "root may not make network namespaces here"
  ip -n "$(switch)" link add bridge type bridge
  ip -n "$(switch)" link set bridge up
  local number
  for ((number = 1; number <= $1; ++number)); do add_host "$number" "$2" "$3"; done
  write_agent
  echo "$1" >"$state/$name/hosts"
  trap - EXIT
  echo "Hosts ${name}1 to $name$1, 10.88.0.1 to 10.88.0.$1, at $2 each way${3:+, $3 from host to host}"
}

# The numbers of the hosts to use, of a cluster with so many.
chosen() { # ALL HOSTS
  if [[ $2 != *[a-z]* ]]; then
    if ((${2:-1} > $1)); then refuse 2 "--hosts $2: the cluster \"$name\" has $1"; fi
    seq "${2:-$1}"
    return
  fi
  local host
  for host in ${2//,/ }; do
    if [[ ! $host =~ ^$name([1-9][0-9]*)$ ]] || ((BASH_REMATCH[1] > $1)); then
      refuse 2 "--hosts $host: the cluster \"$name\" has ${name}1 to $name$1"
    fi
    echo "${BASH_REMATCH[1]}"
  done
}

# "fold1:2,10.88.0.2:1": as many slots as ranks, the first hosts one more where they do not divide. The first goes by its
# name: mpirun runs there, and that of Open MPI 5 does not know its own address.
slots() { # RANKS NUMBER...
  local ranks=$1 list='' slots i host=$name$2
  shift
  for ((i = 0; i < $#; ++i)); do
    slots=$((ranks / $# + (i < ranks % $# ? 1 : 0)))
    if ((slots > 0)); then list+=,$host:$slots; fi
    host=10.88.0.${*:i+2:1}
  done
  echo "${list#,}"
}

# Nobody could log in to a host whose link is down, though its namespace is there.
expect_link() { # NUMBER
  [[ $(ip -n "$(switch)" link show "port$1" 2>/dev/null) == *LOWER_UP* ]] ||
    refuse 3 "there is no way to $name$1: its link is down"
}

# Replaces this shell, so that signals reach mpirun, which ends its ranks.
run() { # RANKS HOSTS COMMAND...
  if [[ ! -e $state/$name/hosts ]]; then refuse 3 "there is no cluster \"$name\": see up"; fi
  local numbers number where
  numbers=$(chosen "$(<"$state/$name/hosts")" "$2")
  mapfile -t numbers <<<"$numbers"
  for number in "${numbers[@]}"; do expect_link "$number"; done
  where=$(slots "$1" "${numbers[@]}")
  shift 2
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  # Hosts share this machine's cores; between them there is TCP and nothing else.
  export OMPI_MCA_mpi_yield_when_idle=${OMPI_MCA_mpi_yield_when_idle-1}
  export OMPI_MCA_hwloc_base_binding_policy=${OMPI_MCA_hwloc_base_binding_policy-none}
  export PRTE_MCA_hwloc_default_binding_policy=${PRTE_MCA_hwloc_default_binding_policy-none}
  export OMPI_MCA_pml=${OMPI_MCA_pml-ob1} OMPI_MCA_btl=${OMPI_MCA_btl-tcp,vader,self}
  export OMPI_MCA_btl_vader_backing_directory=$state/$name OMPI_MCA_orte_tmpdir_base=$state/$name
  export OMPI_MCA_btl_sm_backing_directory=$state/$name PRTE_MCA_prte_tmpdir_base=$state/$name
  # mpirun itself is on the first of them. It has bash read the agent, since /run may be mounted noexec, and calls it
  # for every host rather than pass the task on.
  # shellcheck disable=SC2016  # the inner shell expands them
  exec ip netns exec "$(host "${numbers[0]}")" unshare --uts sh -c 'hostname "$0" && exec "$@"' "$name${numbers[0]}" \
    mpirun --mca plm_rsh_agent "bash $state/$name/agent" --mca plm_rsh_no_tree_spawn 1 \
    --host "$where" -np "$ranks" -- "$@"
}

# Processes of this cluster's namespaces: all of them were started there by `run`.
processes() {
  local each
  for each in $(namespaces); do ip netns pids "$each"; done
}

end_processes() {
  local signal pids waited
  for signal in TERM KILL; do
    for ((waited = 0; waited < 20; ++waited)); do
      mapfile -t pids < <(processes)
      if ((${#pids[@]} == 0)); then return 0; fi # in a trap, a bare return passes on the status before it
      if ((waited == 0)); then kill -s "$signal" "${pids[@]}" 2>/dev/null || true; fi # some may be over by now
      sleep 0.1
    done
  done
  refuse 3 "processes on the hosts do not end: ${pids[*]}"
}

tear_down() {
  end_processes
  local each
  for each in $(namespaces); do ip netns delete "$each"; done
  rm -rf "${state:?}/${name:?}"
  rmdir --ignore-fail-on-non-empty "$state" 2>/dev/null || true # another cluster may have removed it
}

expect() { # TEXT PATTERN WHAT
  [[ $1 =~ ^($2)$ ]] || refuse 2 "$3, not \"$1\"; see --help"
}

action=${1-}
case $action in
  up | run | down) shift ;;
  -h | --help) usage; exit ;;
  *) usage >&2; exit 2 ;;
esac
hosts='' rate='' delay='' ranks=''
while (($# > 0)); do
  case $action:$1 in
    *:-h | *:--help) usage; exit ;;
    *:--name | up:--rate | up:--delay | run:-np | run:--hosts)
      if (($# == 1)); then refuse 2 "$1 needs a value; see --help"; fi
      case $1 in
        --name) name=$2 ;;
        --rate) rate=$2 ;;
        --delay) delay=$2 ;;
        -np) ranks=$2 ;;
        --hosts) hosts=$2 ;;
      esac
      shift 2
      ;;
    run:--) shift; break ;;
    run:-*) refuse 2 "unknown option \"$1\" of run; see --help" ;;
    run:*) break ;;
    up:[0-9]*)
      if [[ -n $hosts ]]; then refuse 2 "\"$1\" follows a number of hosts already; see --help"; fi
      hosts=$1
      shift
      ;;
    *) refuse 2 "\"$1\" means nothing to $action; see --help" ;;
  esac
done

expect "$name" '[a-z]{1,8}' "--name is 1 to 8 lower-case letters"
case $action in
  up)
    expect "$hosts" '[1-9][0-9]?|1[0-9]{2}|200' "up wants a number of hosts from 1 to 200"
    expect "$rate" '[1-9][0-9]*[kmg]bit' "--rate is a rate like 1gbit"
    expect "$delay" '|[1-9][0-9]*[um]s' "--delay is a time like 1ms"
    ;;
  run)
    expect "$ranks" '[1-9][0-9]{0,3}' "-np wants a number of ranks"
    expect "$hosts" '|[1-9][0-9]{0,2}|[a-z]+[0-9]+(,[a-z]+[0-9]+)*' "--hosts wants a number of hosts or their names"
    if (($# == 0)); then refuse 2 "run wants a command; see --help"; fi
    ;;
esac
if ((EUID != 0)); then refuse 3 "only root can make network namespaces"; fi
for tool in ip tc unshare mpirun; do
  command -v "$tool" >/dev/null || refuse 3 "$tool is missing: install iproute2, util-linux and openmpi-bin"
done

case $action in
  up) up "$hosts" "$rate" "$delay" ;;
  run) run "$ranks" "$hosts" "$@" ;;
  down) tear_down ;;
esac
