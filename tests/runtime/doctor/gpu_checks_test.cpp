// From the driver down to the PCIe tree.
#include "tests/runtime/doctor/findings.hpp"

using namespace eightfold::test;

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
