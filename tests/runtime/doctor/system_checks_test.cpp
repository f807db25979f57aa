// From the fabric to the software and the system around the ranks.
#include "tests/runtime/doctor/findings.hpp"

using namespace eightfold::test;

TEST_CASE("an adapter without a driver fails") {
  const Node node;
  node.remove("/sys/class/infiniband");
  must_say(node, "rdma-driver", Status::fail);
}

TEST_CASE("ports without a link fail if no other has one") {
  const Node node(1);
  node.write(std::string(Node::kPort) + "state", "1: DOWN\n");
  must_say(node, "nic-port", Status::fail);
}

TEST_CASE("a port without a subnet manager fails") {
  const Node node;
  node.write(std::string(Node::kPort) + "state", "2: INIT\n");
  node.write(std::string(Node::kPort) + "sm_lid", "0x0\n");
  must_say(node, "subnet-manager", Status::fail);
}

TEST_CASE("a port slower than its neighbours is named") {
  const Node node;
  node.write(std::string(Node::kPort) + "rate", "100 Gb/sec (4X EDR)\n");
  must_say(node, "nic-rate", Status::warn);
}

TEST_CASE("RoCE needs a routable address of its second version") {
  const Node node(1);
  const std::string port = Node::kPort;
  node.write(port + "link_layer", "Ethernet\n");
  node.write(port + "gids/0", "fe80:0000:0000:0000:0a00:27ff:fe00:0001\n");
  node.write(port + "gid_attrs/types/0", "RoCE v2\n");
  must_say(node, "roce-address", Status::fail);
  node.write(port + "gids/3", "0000:0000:0000:0000:0000:ffff:0a00:0001\n");
  node.write(port + "gid_attrs/types/3", "RoCE v2\n");
  CHECK(finding(node, "roce-address").status == Status::pass);
  CHECK(finding(node, "subnet-manager").status == Status::skip);
}

TEST_CASE("errors that a port has counted are named") {
  const Node node;
  node.write(std::string(Node::kPort) + "counters/link_downed", "3\n");
  must_say(node, "nic-errors", Status::warn);
}

TEST_CASE("adapters whose device files are not in the container fail") {
  const Node node;
  node.remove("/dev/infiniband");
  node.write("/.dockerenv", "");
  must_say(node, "rdma-files", Status::fail);
  CHECK(finding(node, "rdma-files").fix.starts_with("docker run --device=/dev/infiniband"));
}

TEST_CASE("an adapter that the verbs library does not know fails") {
  const Node node;
  const Setting one("FAKE_VERBS", "mlx5_1");
  must_say(node, "verbs", Status::fail);
}

TEST_CASE("too little memory to be locked fails, and a limit at all is warned of") {
  const Node node;
  node.write("/proc/self/limits", "Max locked memory         8388608    8388608    bytes\n");
  must_say(node, "memlock", Status::fail);
  node.write("/proc/self/limits", "Max locked memory         8589934592    8589934592    bytes\n");
  must_say(node, "memlock", Status::warn);
  node.write("/proc/self/limits", "");
  must_say(node, "memlock", Status::unknown);
}

TEST_CASE("a build without CUDA is warned of on a machine with GPUs") {
  const Node node;
  doctor::Machine machine = machine_of(node);
  machine.built_with_cuda = false;
  CHECK(finding(machine, "build").status == Status::warn);
  machine.built_with_cuda = true;
  CHECK(finding(machine, "build").status == Status::pass);
}

TEST_CASE("an MPI that does not take device memory is warned of") {
  const Node node;
  const Setting no("FAKE_MPI_CUDA", "0");
  must_say(node, "mpi-cuda", Status::warn);
}

TEST_CASE("a UCX that does not know CUDA, or may not use it, is warned of") {
  Node node;
  node.set("UCX_TLS", "rc,sm,gdr_copy");
  must_say(node, "ucx-transports", Status::warn);
  node.set("UCX_TLS", "^cuda");
  must_say(node, "ucx-transports", Status::warn);
  node.set("UCX_TLS", "^cuda_ipc");
  CHECK(finding(node, "ucx-transports").status == Status::pass);
  node.set("UCX_TLS", "rc,sm,cuda");
  CHECK(finding(node, "ucx-transports").status == Status::pass);
  const Setting components("FAKE_UCX", "self tcp sysv posix ib");
  must_say(node, "ucx", Status::warn);
  std::filesystem::remove(node.libraries() / "libucp.so.0");
  must_say(node, "ucx", Status::warn);
}

TEST_CASE("a UCX that is too old for dma-buf is warned of where there is no other way") {
  const Node node;
  const Setting old("FAKE_UCX_VERSION", "1.13.1");
  CHECK(finding(node, "ucx").status == Status::pass);
  node.remove("/sys/module/nvidia_peermem");
  node.remove("/sys/kernel/mm/memory_peers");
  must_say(node, "ucx", Status::warn);
}

TEST_CASE("processes that each take themselves for rank 0 are recognised by who started them") {
  Node node;
  CHECK(finding(node, "launcher").status == Status::skip);
  SECTION("srun without a plugin for MPI") {
    node.set("SLURM_STEP_NUM_TASKS", "2");
    must_say(node, "launcher", Status::fail);
    node.set("PMIX_RANK", "1");
    CHECK(finding(node, "launcher").status == Status::pass);
  }
  SECTION("the mpirun of MPICH and the library of Open MPI") {
    node.set("PMI_SIZE", "4");
    must_say(node, "launcher", Status::fail);
    const Setting mpich("FAKE_MPI", "MPICH Version: 4.0.2");
    CHECK(finding(node, "launcher").status == Status::pass);
  }
  SECTION("the mpirun of Open MPI and the library of MPICH") {
    node.set("OMPI_COMM_WORLD_SIZE", "4");
    CHECK(finding(node, "launcher").status == Status::pass);
    const Setting mpich("FAKE_MPI", "MPICH Version: 4.0.2");
    must_say(node, "launcher", Status::fail);
  }
}

TEST_CASE("ranks that see one GPU each of several are warned of") {
  Node node;
  node.set("CUDA_VISIBLE_DEVICES", "1");
  CHECK(finding(node, "visible-devices").status == Status::pass);  // alone
  node.set("OMPI_COMM_WORLD_LOCAL_SIZE", "2");
  must_say(node, "visible-devices", Status::warn);
}

TEST_CASE("few queues to a GPU are warned of where there is an exchange") {
  Node node;
  CHECK(finding(node, "device-queues").status == Status::pass);
  node.set("CUDA_DEVICE_MAX_CONNECTIONS", "1");
  CHECK(finding(node, "device-queues").status == Status::pass);  // alone
  node.set("OMPI_COMM_WORLD_SIZE", "2");
  for (const char* few : {"1", "7", "many"}) {
    node.set("CUDA_DEVICE_MAX_CONNECTIONS", few);
    must_say(node, "device-queues", Status::warn);
  }
  for (const char* enough : {"8", "32"}) {
    node.set("CUDA_DEVICE_MAX_CONNECTIONS", enough);
    CHECK(finding(node, "device-queues").status == Status::pass);
  }
}

TEST_CASE("little shared memory is warned of") {
  const Node node;
  node.write("/proc/self/mounts", "shm /dev/shm tmpfs rw,nosuid,size=65536k,inode64 0 0\n");
  must_say(node, "shared-memory", Status::warn);
  node.write("/proc/self/mounts", "proc /proc proc rw 0 0\n");
  must_say(node, "shared-memory", Status::warn);
}

TEST_CASE("copies between processes need a setting, or a capability in a container") {
  const Node node;
  node.write("/proc/sys/kernel/yama/ptrace_scope", "1\n");
  must_say(node, "ptrace", Status::warn);
  node.write("/proc/sys/kernel/yama/ptrace_scope", "0\n");
  node.write("/.dockerenv", "");
  must_say(node, "ptrace", Status::warn);
  node.write("/proc/self/status", "CapEff:\t0000000000080000\nCpus_allowed_list:\t0-3\n");
  CHECK(finding(node, "ptrace").status == Status::pass);
}

TEST_CASE("a bridge with a route is warned of unless Open MPI is told what to use") {
  Node node;
  node.write("/sys/class/net/docker0/operstate", "down\n");
  node.write("/sys/class/net/docker0/bridge/bridge_id", "8000.0242\n");
  CHECK(finding(node, "interfaces").status == Status::pass);  // without an address it does no harm
  node.write("/proc/net/route",
             "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
             "eno1\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n"
             "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\n");
  must_say(node, "interfaces", Status::warn);
  CHECK(finding(node, "interfaces").fix.find("btl_tcp_if_include eno1") != std::string::npos);
  node.set("OMPI_MCA_btl_tcp_if_include", "eno1");
  CHECK(finding(node, "interfaces").status == Status::pass);
  node.write("/proc/net/route", "Iface\tDestination\n");
  must_say(node, "interfaces", Status::warn);
}

TEST_CASE("a rank that is bound to one core is warned of") {
  const Node node;
  node.write("/proc/self/status", "CapEff:\t0\nCpus_allowed_list:\t7\n");
  must_say(node, "cores", Status::warn);
}

TEST_CASE("a processor at its lowest clock is warned of") {
  const Node node;
  const std::string directory = "/sys/devices/system/cpu/cpu0/cpufreq/";
  node.write(directory + "scaling_governor", "powersave\n");
  must_say(node, "governor", Status::warn);
  node.write(directory + "scaling_driver", "intel_pstate\n");
  CHECK(finding(node, "governor").status == Status::pass);
}

TEST_CASE("a control group that may use less time than it has cores is warned of") {
  const Node node;
  CHECK(finding(node, "container").status == Status::pass);  // no quota
  node.write("/proc/self/cgroup", "0::/kubepods/pod7/rank\n");
  node.write("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  node.write("/sys/fs/cgroup/kubepods/pod7/cpu.max", "400000 100000\n");
  must_say(node, "container", Status::warn);
  CHECK(finding(node, "container").evidence.at(0).path == "/sys/fs/cgroup/kubepods/pod7/cpu.max");
  node.write("/sys/fs/cgroup/kubepods/pod7/cpu.max", "19200000 100000\n");  // for 192 cores
  CHECK(finding(node, "container").status == Status::pass);
  node.write("/sys/fs/cgroup/kubepods/pod7/cpu.max", "max 100000\n");
  node.write("/sys/fs/cgroup/cpu.max", "100000 100000\n");  // of the root of what is mounted
  must_say(node, "container", Status::warn);
  node.remove("/proc/self/cgroup");
  must_say(node, "container", Status::unknown);
}

TEST_CASE("what makes OpenMP use other threads than the job says is named") {
  Node node;
  CHECK(finding(node, "openmp").status == Status::pass);
  SECTION("nothing does") {
    node.set("OMP_NUM_THREADS", "3,2");
    node.set("OMP_DYNAMIC", "false");
    node.set("OMP_THREAD_LIMIT", "192");
    node.set("OMP_MAX_ACTIVE_LEVELS", "1");
    node.set("OMP_WAIT_POLICY", "passive");
    node.set("OMP_PLACES", "cores");
    node.set("OMP_PROC_BIND", "false");
    const Finding found = finding(node, "openmp");
    CHECK(found.status == Status::pass);
    CHECK(found.evidence.size() == 7);
  }
  SECTION("one variable") {
    const auto [name, value] = GENERATE(table<std::string, std::string>({{"OMP_THREAD_LIMIT", "191"},
                                                                         {"OMP_MAX_ACTIVE_LEVELS", "0"},
                                                                         {"OMP_DYNAMIC", "TRUE"},
                                                                         {"OMP_PROC_BIND", "close"},
                                                                         {"OMP_PLACES", "cores"},
                                                                         {"GOMP_CPU_AFFINITY", "0-3"},
                                                                         {"OMP_WAIT_POLICY", "active"},
                                                                         {"KMP_DEVICE_THREAD_LIMIT", "2"}}));
    node.set("OMP_NUM_THREADS", "2");
    node.set(name, value);
    must_say(node, "openmp", Status::warn);
    CHECK(finding(node, "openmp").fix == "unset " + name);
    REQUIRE(finding(node, "openmp").evidence.size() == 1);
    CHECK(finding(node, "openmp").evidence[0].value == value);
  }
  SECTION("two at once") {
    node.set("OMP_THREAD_LIMIT", "1");
    node.set("OMP_DYNAMIC", "true");
    CHECK(finding(node, "openmp").fix == "unset OMP_DYNAMIC OMP_THREAD_LIMIT");
  }
}

TEST_CASE("a full disk fails and a small one is warned of") {
  const Node node;
  doctor::Machine machine = machine_of(node);
  std::uint64_t free = 100 << 20;
  machine.free_bytes = [&](const auto&) { return free; };
  CHECK(finding(machine, "disk").status == Status::fail);
  free = std::uint64_t{5} << 30;
  CHECK(finding(machine, "disk").status == Status::warn);
  free = std::uint64_t{50} << 30;
  CHECK(finding(machine, "disk").status == Status::pass);
}

TEST_CASE("where the bus is hidden and the driver runs, places on it are unknown") {
  const Node node;
  node.remove("/sys/bus/pci");
  CHECK(finding(node, "driver").status == Status::pass);
  for (const char* id : {"gpu-pcie-link", "gpu-nic-distance", "iommu", "acs"})
    CHECK(finding(node, id).status == Status::unknown);
}
