#include "runtime/doctor/diagnosis.hpp"
#include "tests/runtime/doctor/node.hpp"
#include "tests/support/test.hpp"

#include <algorithm>

namespace doctor = eightfold::runtime::doctor;
using doctor::Finding;
using doctor::Status;
using eightfold::test::Node;
using eightfold::test::Setting;

namespace {

doctor::Machine machine_of(const Node& node) {
  doctor::Machine machine = look_at(doctor::Root(node.root()), doctor::Libraries::in(node.libraries()));
  machine.free_bytes = [](const auto&) { return std::uint64_t{1} << 40; };
  return machine;
}

Finding finding(const doctor::Machine& machine, const std::string& id) {
  const std::vector<doctor::Check> checks = doctor::all_checks();
  const auto check = std::ranges::find(checks, id, &doctor::Check::id);
  REQUIRE(check != checks.end());
  return check->examine(machine);
}

Finding finding(const Node& node, const std::string& id) {
  return finding(machine_of(node), id);
}

// What the check says of a node must follow a fix with it.
void must_say(const Node& node, const std::string& id, Status status) {
  const Finding found = finding(node, id);
  INFO(id << ": " << to_string(found.status) << ", " << found.consequence);
  CHECK(found.status == status);
  CHECK_FALSE(found.evidence.empty());
  CHECK_FALSE(found.consequence.empty());
  CHECK_FALSE(found.fix.empty());
}

}  // namespace

TEST_CASE("a healthy node with eight GPUs and InfiniBand passes all checks that apply to it") {
  const Node node(8);
  const Setting gpus("FAKE_GPUS", "00000000:1A:00.0");
  const Setting nics("FAKE_VERBS", "mlx5_0 mlx5_1 mlx5_2 mlx5_3 mlx5_4 mlx5_5 mlx5_6 mlx5_7");
  const doctor::Machine machine = machine_of(node);
  REQUIRE(machine.gpus.size() == 8);
  REQUIRE(machine.nics.size() == 8);
  for (const doctor::Diagnosis& diagnosis : examine(machine)) {
    INFO(report(diagnosis));
    CHECK((diagnosis.finding.status == Status::pass || diagnosis.finding.status == Status::skip));
    // Only what was looked at passes, and only what does not apply is skipped.
    CHECK((diagnosis.finding.status == Status::skip) == !diagnosis.finding.consequence.empty());
    if (diagnosis.finding.status == Status::pass) CHECK_FALSE(diagnosis.finding.evidence.empty());
  }
  for (const char* id : {"driver", "driver-libraries", "peermem", "dma-buf", "gpu-nic-distance", "acs",
                         "subnet-manager", "memlock", "mpi-cuda", "ucx"})
    CHECK(finding(machine, id).status == Status::pass);
}

TEST_CASE("nothing passes on a machine of which nothing can be read") {
  const eightfold::test::Scratch root, libraries;
  std::filesystem::create_directory(root / "proc");
  doctor::Machine machine = look_at(doctor::Root(root.path()), doctor::Libraries::none());
  for (const doctor::Diagnosis& diagnosis : examine(machine)) {
    INFO(report(diagnosis));
    CHECK((diagnosis.finding.status == Status::skip || diagnosis.finding.status == Status::unknown));
  }
}

TEST_CASE("GPUs without a driver fail") {
  const Node node;
  node.remove("/proc/driver/nvidia/version");
  must_say(node, "driver", Status::fail);
}

TEST_CASE("driver libraries that do not fit the loaded module fail") {
  const Node node;
  const Setting mismatch("FAKE_NVML_CODE", "18");
  must_say(node, "driver-libraries", Status::fail);
  CHECK(finding(node, "driver-libraries").evidence.front().value == "Driver/library version mismatch");
}

TEST_CASE("driver libraries that are missing fail") {
  const Node node;
  std::filesystem::remove(node.libraries() / "libnvidia-ml.so.1");
  std::filesystem::remove(node.libraries() / "libcuda.so.1");
  must_say(node, "driver-libraries", Status::fail);
  must_say(node, "cuda-driver", Status::fail);
  CHECK(finding(node, "gpu-clocks").status == Status::unknown);
  CHECK(finding(node, "gpu-processes").status == Status::unknown);
}

TEST_CASE("a throttled GPU is named with the reason in words") {
  const Node node;
  const Setting hot("FAKE_THROTTLE", "68");
  must_say(node, "gpu-clocks", Status::warn);
  const auto fact = finding(node, "gpu-clocks").evidence.front();
  CHECK(fact.path.starts_with(Node::kGpu));
  CHECK(fact.value == "power cap, too hot (hardware)");
}

TEST_CASE("processes that compute on a GPU already are counted") {
  const Node node;
  const Setting processes("FAKE_PROCESSES", "2");
  must_say(node, "gpu-processes", Status::warn);
}

TEST_CASE("GPUs that do not reach each other's memory are named") {
  const Node node;
  CHECK(finding(node, "gpu-peers").status == Status::pass);
  const Setting status("FAKE_P2P", "3");  // NVML_P2P_STATUS_GPU_IOH_TOPOLOGY_NOT_SUPPORTED, say
  must_say(node, "gpu-peers", Status::warn);
  CHECK(finding(node, "gpu-peers").evidence.front().path ==
        "0000:1a:00.0, 0000:9a:00.0: nvmlDeviceGetP2PStatus");
}

TEST_CASE("a driver older than the toolkit of this program fails") {
  const Node node;  // its driver speaks CUDA 12.8
  doctor::Machine machine = machine_of(node);
  for (const char* fits : {"", "11.8", "12.0", "12.9"}) {
    machine.toolkit = fits;
    CHECK(finding(machine, "cuda-driver").status == Status::pass);
  }
  machine.toolkit = "13.0";
  CHECK(finding(machine, "cuda-driver").status == Status::fail);
}

TEST_CASE("a small window to a GPU's memory is warned of") {
  const Node node;
  CHECK(finding(node, "gpu-bar1").status == Status::pass);
  CHECK(finding(node, "gpu-bar1").evidence.front().value == "256GiB");
  node.write(Node::pci(Node::kGpu, "resource"),
             "0x90000000 0x90ffffff 0x140204\n0xa0000000 0xafffffff 0x14220c\n");
  must_say(node, "gpu-bar1", Status::warn);
  node.write(Node::pci(Node::kGpu, "resource"), "0x0 0x0 0x0\n");
  CHECK(finding(node, "gpu-bar1").status == Status::unknown);
}

TEST_CASE("adapters whose driver does not take dma-buf are named") {
  const Node node;
  CHECK(finding(node, "dma-buf").status == Status::pass);
  const Setting refusal("FAKE_DMA_BUF", "95");             // EOPNOTSUPP
  CHECK(finding(node, "dma-buf").status == Status::skip);  // nvidia-peermem does its work
  node.remove("/sys/module/nvidia_peermem");
  node.remove("/sys/kernel/mm/memory_peers");
  must_say(node, "dma-buf", Status::warn);
  CHECK(finding(node, "dma-buf").evidence.front().path == "mlx5_0: ibv_reg_dmabuf_mr");
  must_say(node, "peermem", Status::fail);
}

TEST_CASE("GPUDirect RDMA fails where neither nvidia-peermem nor dma-buf can be used") {
  const Node node;
  node.remove("/sys/module/nvidia_peermem");
  node.remove("/sys/kernel/mm/memory_peers");
  CHECK(finding(node, "peermem").status == Status::skip);  // dma-buf is there
  SECTION("because the kernel is too old") {
    node.write("/proc/sys/kernel/osrelease", "5.4.0-200-generic\n");
  }
  SECTION("because the kernel modules are closed") {
    node.write("/proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15\n");
  }
  SECTION("because the driver is too old") {
    node.write("/sys/module/nvidia/version", "510.108.03\n");
  }
  must_say(node, "peermem", Status::fail);
  must_say(node, "dma-buf", Status::warn);
  CHECK(finding(node, "dma-buf").evidence.size() == 1);
}

TEST_CASE("dma-buf is not missed where nvidia-peermem is loaded") {
  const Node node;
  node.write("/proc/sys/kernel/osrelease", "5.4.0-200-generic\n");
  CHECK(finding(node, "dma-buf").status == Status::skip);
  CHECK(finding(node, "peermem").status == Status::pass);
}

TEST_CASE("nvidia-peermem is unknown where the version of the kernel cannot be read") {
  const Node node;
  node.remove("/sys/module/nvidia_peermem");
  node.remove("/sys/kernel/mm/memory_peers");
  node.remove("/proc/sys/kernel/osrelease");
  CHECK(finding(node, "peermem").status == Status::unknown);
  CHECK(finding(node, "dma-buf").status == Status::unknown);
}

TEST_CASE("nvidia-peermem that is loaded but not registered is warned of") {
  const Node node;
  node.remove("/sys/kernel/mm/memory_peers/nv_mem");
  must_say(node, "peermem", Status::warn);
}

TEST_CASE("PCIe links with missing lanes are named") {
  const Node node;
  node.write(Node::pci(Node::kGpu, "current_link_width"), "8");
  must_say(node, "gpu-pcie-link", Status::warn);
  CHECK(finding(node, "nic-pcie-link").status == Status::pass);
  node.write(Node::pci(Node::kNic, "current_link_width"), "8");
  must_say(node, "nic-pcie-link", Status::warn);
  CHECK(finding(node, "nic-pcie-link").fix.find(Node::kNic) != std::string::npos);
}

TEST_CASE("a lower PCIe speed is a defect of an adapter and may be the rest of an idle GPU") {
  const Node node;
  node.write(Node::pci(Node::kGpu, "current_link_speed"), "2.5 GT/s PCIe");
  node.write(Node::pci(Node::kNic, "current_link_speed"), "16.0 GT/s PCIe");
  must_say(node, "gpu-pcie-link", Status::unknown);
  must_say(node, "nic-pcie-link", Status::warn);
}

TEST_CASE("a GPU whose only active adapter is at the other socket is named") {
  const Node node;
  node.write(std::string(Node::kPort) + "state", "1: DOWN\n");
  must_say(node, "gpu-nic-distance", Status::warn);
  must_say(node, "nic-port", Status::warn);
}

TEST_CASE("an IOMMU that translates is warned of") {
  const Node node;
  node.write("/proc/cmdline", "root=/dev/sda1 intel_iommu=on\n");
  must_say(node, "iommu", Status::warn);
}

TEST_CASE("a bridge that redirects is named, and one that only root may ask is unknown") {
  const Node node;
  node.write(Node::pci(Node::kBridge, "config"), eightfold::test::pci_configuration(0b1101));
  must_say(node, "acs", Status::warn);
  CHECK(finding(node, "acs").fix.find(Node::kBridge) != std::string::npos);
  node.write(Node::pci(Node::kBridge, "config"), std::string(64, '\0'));
  must_say(node, "acs", Status::unknown);
}

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

TEST_CASE("a container that may use less time than it has cores is warned of") {
  const Node node;
  node.write("/.dockerenv", "");
  must_say(node, "container", Status::unknown);
  node.write("/sys/fs/cgroup/cpu.max", "400000 100000\n");
  must_say(node, "container", Status::warn);
  node.write("/sys/fs/cgroup/cpu.max", "max 100000\n");
  CHECK(finding(node, "container").status == Status::pass);
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
