// What users of MPI on GPUs lose days with, as nodes made of files: the doctor has to name each.
#include "runtime/doctor/cluster.hpp"
#include "tests/runtime/doctor/node.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <functional>

namespace doctor = eightfold::runtime::doctor;
using doctor::Status;
using eightfold::test::Node;
using eightfold::test::pci_configuration;
using eightfold::test::Setting;

namespace {

using Variables = std::vector<std::pair<const char*, const char*>>;

struct Pain {
  const char* symptom;
  const char* check;  // that has to name it
  Status status;      // FAIL makes the doctor end with code 3
  std::function<void(Node&)> spoil;
  Variables answers = {};  // of the libraries
};

void nothing(Node&) {}

void lose_peermem(Node& node) {
  node.remove("/sys/module/nvidia_peermem");
  node.remove("/sys/kernel/mm/memory_peers");
}

const std::vector<Pain>& pains() {
  static const std::vector<Pain> all{
      {"segmentation fault when MPI gets device memory",
       "mpi-cuda",
       Status::warn,
       nothing,
       {{"FAKE_MPI_CUDA", "0"}}},
      {"the same, in UCX", "ucx", Status::warn, nothing, {{"FAKE_UCX", "self tcp sysv posix ib cma"}}},
      {"the same, by a variable", "ucx-transports", Status::warn,
       [](Node& node) { node.set("UCX_TLS", "rc,sm"); }},
      {"GPUDirect RDMA off, Couldn't allocate MR", "peermem", Status::fail,
       [](Node& node) {
         lose_peermem(node);
         node.write("/proc/sys/kernel/osrelease", "5.4.0-200-generic\n");
       }},
      {"Bad address from ibv_reg_mr", "peermem", Status::warn,
       [](Node& node) { node.remove("/sys/kernel/mm/memory_peers/nv_mem"); }},
      {"memory of the GPU out of the adapters' reach", "gpu-bar1", Status::warn,
       [](Node& node) { node.write(Node::pci(Node::kGpu, "resource"), "0xa0000000 0xafffffff 0x14220c\n"); }},
      {"dma-buf: Operation not supported, closed driver", "dma-buf", Status::warn,
       [](Node& node) {
         lose_peermem(node);
         node.write("/proc/driver/nvidia/version",
                    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.124.06\n");
       }},
      {"dma-buf: Operation not supported, adapter",
       "dma-buf",
       Status::warn,
       lose_peermem,
       {{"FAKE_DMA_BUF", "95"}}},
      {"cuIpcOpenMemHandle fails between ranks that see one GPU each", "visible-devices", Status::warn,
       [](Node& node) {
         node.set("CUDA_VISIBLE_DEVICES", "0");
         node.set("OMPI_COMM_WORLD_LOCAL_SIZE", "2");
       }},
      {"an exchange that computing does not hide", "device-queues", Status::warn,
       [](Node& node) {
         node.set("CUDA_DEVICE_MAX_CONNECTIONS", "1");
         node.set("OMPI_COMM_WORLD_SIZE", "2");
       }},
      {"hang at start over docker0", "interfaces", Status::warn,
       [](Node& node) {
         node.write("/sys/class/net/docker0/operstate", "down\n");
         node.write("/sys/class/net/docker0/bridge/bridge_id", "8000.0242\n");
         node.write("/proc/net/route",
                    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
                    "eno1\t0000000A\t00000000\t0001\t0\t0\t0\t0000FFFF\n"
                    "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\n");
       }},
      {"every rank is rank 0: mpirun of another MPI", "launcher", Status::fail,
       [](Node& node) { node.set("PMI_SIZE", "2"); }},
      {"every rank is rank 0: srun without PMIx", "launcher", Status::fail,
       [](Node& node) { node.set("SLURM_STEP_NUM_TASKS", "2"); }},
      {"Cannot allocate memory from create_cq", "memlock", Status::fail,
       [](Node& node) {
         node.write("/proc/self/limits", "Max locked memory         65536   65536   bytes\n");
       }},
      {"slow: ACS", "acs", Status::warn,
       [](Node& node) { node.write(Node::pci(Node::kBridge, "config"), pci_configuration(0x1d)); }},
      {"slow: IOMMU", "iommu", Status::warn,
       [](Node& node) { node.write("/proc/cmdline", "root=/dev/sda1\n"); }},
      {"slow: lanes", "gpu-pcie-link", Status::warn,
       [](Node& node) { node.write(Node::pci(Node::kGpu, "current_link_width"), "8"); }},
      {"slow: the adapter's link", "nic-pcie-link", Status::warn,
       [](Node& node) { node.write(Node::pci(Node::kNic, "current_link_speed"), "8.0 GT/s PCIe"); }},
      {"slow: GPUs that are no peers", "gpu-peers", Status::warn, nothing, {{"FAKE_P2P", "3"}}},
      {"leftovers of a dead job on the GPU",
       "gpu-processes",
       Status::warn,
       nothing,
       {{"FAKE_PROCESSES", "1"}}},
      {"stragglers: heat", "gpu-clocks", Status::warn, nothing, {{"FAKE_THROTTLE", "64"}}},
      {"stragglers: bound to one core", "cores", Status::warn,
       [](Node& node) { node.write("/proc/self/status", "CapEff:\t0\nCpus_allowed_list:\t7\n"); }},
      {"no address on the fabric", "subnet-manager", Status::fail,
       [](Node& node) { node.write(std::string(Node::kPort) + "sm_lid", "0x0\n"); }},
      {"Driver/library version mismatch",
       "driver-libraries",
       Status::fail,
       nothing,
       {{"FAKE_NVML_CODE", "18"}}},
  };
  return all;
}

std::vector<doctor::Diagnosis> examine_with(const Node& node) {
  return examine(look_at(doctor::Root(node.root()), doctor::Libraries::in(node.libraries())));
}

doctor::Finding answer_of(const std::vector<doctor::Diagnosis>& diagnoses, const std::string& check) {
  const auto found = std::ranges::find(diagnoses, check, &doctor::Diagnosis::id);
  REQUIRE(found != diagnoses.end());
  return found->finding;
}

}  // namespace

TEST_CASE("each pain is named by its check, and a node without it is not accused") {
  for (const Pain& pain : pains()) {
    CAPTURE(pain.symptom, pain.check);
    Node node;
    CHECK(answer_of(examine_with(node), pain.check).status <= Status::skip);
    pain.spoil(node);
    std::vector<std::unique_ptr<Setting>> answers;
    for (const auto& [name, value] : pain.answers) answers.push_back(std::make_unique<Setting>(name, value));
    const std::vector<doctor::Diagnosis> diagnoses = examine_with(node);
    const doctor::Finding found = answer_of(diagnoses, pain.check);
    CHECK(found.status == pain.status);
    CHECK_FALSE(found.consequence.empty());
    CHECK_FALSE(found.fix.empty());
    if (pain.status == Status::fail) CHECK(worst(diagnoses) == Status::fail);
  }
}

TEST_CASE("a full disk fails") {
  const Node node;
  doctor::Machine machine = look_at(doctor::Root(node.root()), doctor::Libraries::in(node.libraries()));
  machine.free_bytes = [](const auto&) { return std::uint64_t{1} << 20; };
  CHECK(worst(examine(machine)) == Status::fail);
}
