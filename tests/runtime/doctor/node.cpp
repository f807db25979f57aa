#include "tests/runtime/doctor/node.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

namespace eightfold::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLimits =
    "Limit                     Soft Limit           Hard Limit           Units\n"
    "Max open files            1048576              1048576              files\n"
    "Max locked memory         unlimited            unlimited            bytes\n";
constexpr const char* kRoutes =
    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
    "eno1\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n"
    "eno1\t0000000A\t00000000\t0001\t0\t0\t0\t0000FFFF\n";
// 16 MiB, none, 256 GiB.
constexpr const char* kRegions =
    "0x0000000090000000 0x0000000090ffffff 0x0000000000140204\n"
    "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
    "0x0000204000000000 0x0000207fffffffff 0x000000000014220c\n";
constexpr const char* kBanner =
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.124.06  Release Build\n";

// What the kernel says of a device at the end of 16 lanes of the fifth generation.
std::map<std::string, std::string> sixteen_lanes(int numa_node) {
  return {{"current_link_speed", "32.0 GT/s PCIe"},
          {"max_link_speed", "32.0 GT/s PCIe"},
          {"current_link_width", "16"},
          {"max_link_width", "16"},
          {"numa_node", std::to_string(numa_node)}};
}

std::map<std::string, std::string> operator+(std::map<std::string, std::string> files,
                                             const std::map<std::string, std::string>& more) {
  files.insert(more.begin(), more.end());
  return files;
}

}  // namespace

Node::Node(int pairs) {
  add_driver();
  add_system();
  for (int number = 0; number < pairs; ++number) add_pair(number);
  for (const char* name :
       {"libnvidia-ml.so.1", "libcuda.so.1", "libucp.so.0", "libuct.so.0", "libibverbs.so.1", "libmpi.so"})
    fs::create_symlink(EIGHTFOLD_FAKE_LIBRARIES, libraries_ / name);
  set("PATH", "/usr/bin");
}

void Node::write(const std::string& path, std::string_view contents) const {
  const fs::path inside = fs::path(path).relative_path();
  fs::create_directories((root() / inside).parent_path());
  root_.file(inside, contents);
}

void Node::link(const std::string& path, const std::string& target) const {
  const fs::path inside = root() / fs::path(path).relative_path();
  fs::create_directories(inside.parent_path());
  fs::create_directory_symlink(fs::path(target).lexically_relative(fs::path(path).parent_path()), inside);
}

void Node::remove(const std::string& path) const {
  if (fs::remove_all(root() / fs::path(path).relative_path()) == 0)
    throw std::runtime_error(path + " is not there to be removed");
}

std::string Node::pci(const std::string& address, const std::string& file) {
  return "/sys/bus/pci/devices/" + address + "/" + file;
}

void Node::set(const std::string& variable, const std::string& value) {
  variables_[variable] = value;
  std::string text;
  for (const auto& [name, contents] : variables_) text += name + "=" + contents + '\0';
  write("/proc/self/environ", text);
}

void Node::add_pci_device(const std::string& place, const std::map<std::string, std::string>& files) const {
  for (const auto& [name, contents] : files) write(place + "/" + name, contents);
  link("/sys/bus/pci/devices/" + fs::path(place).filename().string(), place);
}

// Root port 17:01.0, the switch 18:00.0, below its ports the GPU 1a:00.0 and the adapter 1b:00.0; those of
// the other processor begin at 97.
void Node::add_pair(int number) const {
  const int numa_node = number % 2;
  const int bus = (numa_node == 0 ? 0x17 : 0x97) + number / 2 * 8;
  const std::string root_port = fmt::format("/sys/devices/pci0000:{0:02x}/0000:{0:02x}:01.0", bus);
  const std::string upstream = fmt::format("{}/0000:{:02x}:00.0", root_port, bus + 1);
  const std::string above_gpu = fmt::format("{}/0000:{:02x}:00.0", upstream, bus + 2);
  const std::string above_nic = fmt::format("{}/0000:{:02x}:01.0", upstream, bus + 2);
  for (const std::string& bridge : {root_port, upstream, above_gpu, above_nic})
    add_pci_device(bridge, {{"class", "0x060400"}, {"vendor", "0x1000"}, {"config", pci_configuration(0)}});
  const auto link = sixteen_lanes(numa_node);
  add_pci_device(fmt::format("{}/0000:{:02x}:00.0", above_gpu, bus + 3),
                 link + std::map<std::string, std::string>{
                            {"class", "0x030200"}, {"vendor", "0x10de"}, {"resource", kRegions}});
  const std::string nic = fmt::format("{}/0000:{:02x}:00.0", above_nic, bus + 4);
  add_pci_device(nic, link + std::map<std::string, std::string>{{"class", "0x020700"}, {"vendor", "0x15b3"}});
  add_ports(nic, fmt::format("mlx5_{}", number));
}

void Node::add_ports(const std::string& nic, const std::string& name) const {
  const std::string device = nic + "/infiniband/" + name;
  const std::map<std::string, std::string> port = {{"state", "4: ACTIVE"},
                                                   {"phys_state", "5: LinkUp"},
                                                   {"rate", "400 Gb/sec (4X NDR)"},
                                                   {"link_layer", "InfiniBand"},
                                                   {"lid", "0x11"},
                                                   {"sm_lid", "0x1"},
                                                   {"counters/link_downed", "0"},
                                                   {"counters/symbol_error", "0"},
                                                   {"counters/port_rcv_errors", "0"}};
  for (const auto& [file, contents] : port) write(device + "/ports/1/" + file, contents + "\n");
  link(device + "/device", nic);
  link("/sys/class/infiniband/" + name, device);
  write("/dev/infiniband/uverbs" + name.substr(name.size() - 1), "");
}

void Node::add_driver() const {
  write("/proc/driver/nvidia/version", kBanner);
  write("/sys/module/nvidia/version", "570.124.06\n");
  write("/sys/module/nvidia_peermem/version", "570.124.06\n");
  write("/sys/kernel/mm/memory_peers/nv_mem/version", "570.124.06\n");
}

void Node::add_system() const {
  write("/proc/sys/kernel/osrelease", "5.15.0-130-generic\n");
  write("/proc/sys/kernel/yama/ptrace_scope", "0\n");
  write("/proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/sda1 iommu=pt\n");
  write("/sys/kernel/iommu_groups/0/type", "identity\n");
  write("/proc/self/limits", kLimits);
  write("/proc/self/status", "CapEff:\t0000000000000000\nCpus_allowed_list:\t0-191\n");
  write("/proc/self/mounts", "tmpfs /dev/shm tmpfs rw,nosuid,nodev 0 0\n");
  write("/proc/1/cgroup", "0::/init.scope\n");
  write("/proc/self/cgroup", "0::/user.slice\n");
  write("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n");
  write("/sys/fs/cgroup/user.slice/cpu.max", "max 100000\n");
  write("/proc/net/route", kRoutes);
  write("/proc/sys/kernel/hostname", "node1\n");
  write("/proc/sys/kernel/random/boot_id", "b0a7-1\n");
  write("/sys/class/net/lo/operstate", "unknown\n");
  write("/sys/class/net/eno1/operstate", "up\n");
  write("/sys/class/net/eno1/speed", "25000\n");
  write("/sys/devices/system/cpu/online", "0-191\n");
  write("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
  write("/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver", "acpi-cpufreq\n");
}

std::string pci_configuration(unsigned acs_control) {
  std::string bytes(4096, '\0');
  // Capability, version and next at 0x100, an unrelated one; the services at 0x148.
  const std::array<std::pair<std::size_t, unsigned>, 3> words{
      {{0x100, 0x0001}, {0x102, 0x148 << 4 | 1}, {0x148, 0x000D}}};
  const auto put = [&](std::size_t at, unsigned word) {
    bytes[at] = static_cast<char>(word & 0xFF);
    bytes[at + 1] = static_cast<char>(word >> 8);
  };
  for (const auto& [at, word] : words) put(at, word);
  put(0x148 + 6, acs_control);
  return bytes;
}

Setting::Setting(const std::string& name, const std::string& value) : name_(name) {
  ::setenv(name.c_str(), value.c_str(), 1);
}

Setting::~Setting() {
  ::unsetenv(name_.c_str());
}

}  // namespace eightfold::test
