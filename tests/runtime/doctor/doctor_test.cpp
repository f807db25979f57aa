// What the checks rest on: distances, data paths, the root, and how a diagnosis reads.
#include "kernels/base/error.hpp"
#include "runtime/doctor/data_path.hpp"
#include "runtime/doctor/diagnosis.hpp"
#include "runtime/doctor/limits.hpp"
#include "runtime/doctor/topology.hpp"
#include "tests/runtime/doctor/node.hpp"
#include "tests/support/test.hpp"

#include <set>

namespace doctor = eightfold::runtime::doctor;
using doctor::Distance;
using eightfold::test::Node;
using eightfold::test::Setting;

namespace {

doctor::PciDevice device_at(const std::string& place, int numa_node) {
  return {"", "/sys/devices/" + place, numa_node, {}};
}

doctor::DataPath path_of(const Node& node) {
  return expected_path(look_at(doctor::Root(node.root()), doctor::Libraries::in(node.libraries())));
}

}  // namespace

TEST_CASE("the distance of two devices follows from the bridges above them") {
  const auto gpu = device_at("pci0000:17/0000:17:01.0/0000:18:00.0/0000:19:00.0/0000:1a:00.0", 0);
  const auto to = [&](const std::string& place, int numa_node) {
    return distance_between(gpu, device_at(place, numa_node));
  };
  CHECK(to("pci0000:17/0000:17:01.0/0000:18:00.0/0000:19:01.0/0000:1b:00.0", 0) == Distance::pix);
  CHECK(to("pci0000:17/0000:17:01.0/0000:20:00.0/0000:21:00.0/0000:22:00.0", 0) == Distance::pxb);
  CHECK(to("pci0000:17/0000:17:03.0/0000:30:00.0", 0) == Distance::phb);
  CHECK(to("pci0000:40/0000:40:01.0/0000:41:00.0", 0) == Distance::node);
  CHECK(to("pci0000:97/0000:97:01.0/0000:98:00.0", 1) == Distance::sys);
  CHECK(to("pci0000:97/0000:97:01.0/0000:98:00.0", -1) == Distance::unknown);
}

TEST_CASE("each GPU gets the nearest adapter") {
  const Node node(4);
  const auto machine = look_at(doctor::Root(node.root()), doctor::Libraries::none());
  std::set<std::string> names;
  for (const doctor::Pair& pair : nearest_nics(machine)) {
    CHECK(pair.distance == Distance::pix);
    names.insert(pair.nic.name);
  }
  CHECK(names == std::set<std::string>{"mlx5_0", "mlx5_1", "mlx5_2", "mlx5_3"});
}

TEST_CASE("the data path is as wide as its narrowest part") {
  const Node node;
  const doctor::DataPath whole = path_of(node);
  CHECK(whole.transport == "direct");
  REQUIRE(whole.ceiling_gbytes_per_s);
  CHECK(*whole.ceiling_gbytes_per_s == Approx(50.0));  // 400 Gb/s; 16 lanes at 32 GT/s carry 63
  node.write(Node::pci(Node::kGpu, "max_link_speed"), "8.0 GT/s PCIe");
  const doctor::DataPath narrow = path_of(node);
  CHECK(*narrow.ceiling_gbytes_per_s == Approx(8 * 16 / 8.0 * 128 / 130));
  CHECK(narrow.way.find(Node::kGpu) != std::string::npos);
}

TEST_CASE("gradients are staged where a part of GPUDirect is missing") {
  const Node node;
  SECTION("an MPI that claims it") {
    const Setting no("FAKE_MPI_CUDA", "0");
    CHECK(path_of(node).transport == "staged");
  }
  SECTION("an MPI that can be asked for it") {
    std::filesystem::remove(node.libraries() / "libmpi.so");
    CHECK(path_of(node).transport == "staged");
  }
  SECTION("a way to the memory of the GPU") {
    node.remove("/sys/module/nvidia_peermem");
    node.remove("/sys/kernel/mm/memory_peers");
    node.write("/proc/sys/kernel/osrelease", "4.18.0\n");
    CHECK(path_of(node).transport == "staged");
  }
  SECTION("an adapter") {
    node.remove("/sys/class/infiniband");
    const doctor::DataPath path = path_of(node);
    CHECK(path.transport == "staged");
    CHECK(path.way == "TCP over eno1");
    CHECK(*path.ceiling_gbytes_per_s == Approx(25.0 / 8));
  }
}

TEST_CASE("the rate of a virtual link is not known, whatever the kernel says of it") {
  const Node node;
  node.remove("/sys/class/infiniband");
  node.remove("/sys/class/net/eno1");
  const auto add = [&](const std::string& place, const std::string& name) {
    node.write("/sys/devices/" + place + "/net/" + name + "/speed", "10000\n");
    node.link("/sys/class/net/" + name, "/sys/devices/" + place + "/net/" + name);
  };
  add("virtual", "eno1");
  CHECK_FALSE(path_of(node).ceiling_gbytes_per_s);
  CHECK(path_of(node).way == "TCP over eno1");
  add("pci0000:17/0000:17:03.0", "p0");
  node.link("/sys/devices/virtual/net/eno1/lower_p0", "/sys/devices/pci0000:17/0000:17:03.0/net/p0");
  CHECK(path_of(node).ceiling_gbytes_per_s.value_or(0) == Approx(10.0 / 8));  // a bond of hardware
  add("virtual", "veth0");
  node.link("/sys/devices/virtual/net/eno1/lower_veth0", "/sys/devices/virtual/net/veth0");
  CHECK_FALSE(path_of(node).ceiling_gbytes_per_s);
  node.link("/sys/devices/virtual/net/veth0/lower_eno1",
            "/sys/devices/virtual/net/eno1");  // a circle, which no kernel makes
  CHECK_FALSE(path_of(node).ceiling_gbytes_per_s);
}

TEST_CASE("a build without CUDA leaves the GPUs alone") {
  const Node node;
  auto machine = look_at(doctor::Root(node.root()), doctor::Libraries::in(node.libraries()));
  machine.built_with_cuda = false;
  CHECK(expected_path(machine).transport == "host");
}

TEST_CASE("a machine without GPUs exchanges what is in the host's memory") {
  const Node node;
  node.remove("/proc/driver");
  for (const char* gpu : {Node::kGpu, "0000:9a:00.0"}) node.write(Node::pci(gpu, "vendor"), "0x1002");
  const doctor::DataPath path = path_of(node);
  CHECK(path.transport == "host");
  CHECK(*path.ceiling_gbytes_per_s == Approx(50.0));
}

TEST_CASE("a root is a directory that looks like one") {
  const eightfold::test::Scratch scratch;
  using eightfold::base::ConfigError;
  CHECK_THROWS_AS(doctor::Root(scratch.path()), ConfigError);
  CHECK_THROWS_AS(doctor::Root(scratch / "nothing"), ConfigError);
  CHECK_THROWS_AS(doctor::Root(scratch.file("file", "")), ConfigError);
  std::filesystem::create_directory(scratch / "sys");
  CHECK_FALSE(doctor::Root(scratch.path()).is_this_machine());
  CHECK(doctor::Root("/").is_this_machine());
}

TEST_CASE("what cannot be read below a root is nothing") {
  const Node node;
  const doctor::Root root(node.root());
  CHECK_FALSE(root.read("/proc/nothing"));
  CHECK_FALSE(root.read("/proc"));
  CHECK(root.list("/proc/nothing").empty());
  CHECK(root.resolve("/proc/nothing") == "/proc/nothing");
  node.write("/proc/word", "  word \n");
  CHECK(root.read("/proc/word") == "word");
  CHECK_FALSE(root.read_integer("/proc/word"));
}

TEST_CASE("links are followed below a root and not out of it") {
  const Node node;
  const eightfold::test::Scratch elsewhere;
  elsewhere.file("secret", "4");
  std::filesystem::create_symlink(elsewhere / "secret", node.root() / "proc/outside");
  const doctor::Root root(node.root());
  CHECK_FALSE(root.exists("/proc/outside"));
  CHECK_FALSE(root.read("/proc/outside"));
  CHECK(root.resolve(std::string("/sys/bus/pci/devices/") + Node::kGpu) ==
        "/sys/devices/pci0000:17/0000:17:01.0/0000:18:00.0/0000:19:00.0/0000:1a:00.0");
}

TEST_CASE("lists of processors are counted, and anything else is not") {
  CHECK(doctor::count_of_list("0-3,8") == 5);
  CHECK(doctor::count_of_list("7") == 1);
  for (const char* wrong : {"none", "3-1", "0-", "1,,2"}) CHECK_FALSE(doctor::count_of_list(wrong));
}

TEST_CASE("the environment of a process has no line ends") {
  Node node;
  node.set("TWO_LINES", "a\nb=c");
  const auto machine = look_at(doctor::Root(node.root()), doctor::Libraries::none());
  CHECK(machine.variable("TWO_LINES") == "a\nb=c");
  CHECK(machine.variable("PATH") == "/usr/bin");
  CHECK(machine.variable("NOTHING").empty());
}

TEST_CASE("a diagnosis reads status, id, evidence, consequence and fix") {
  const doctor::Diagnosis failed{"memlock", doctor::fail({{"/a", "1"}}, "It breaks.", "sudo mend")};
  CHECK(report(failed) ==
        "FAIL    memlock /a = 1\n        It breaks.\n        fix: sudo mend\n        see: "
        "docs/doctor.md#memlock\n");
  const doctor::Diagnosis many{"nic", doctor::pass({{"/a", "1"}, {"/b", "2"}, {"/c", "3"}, {"/d", "4"}})};
  CHECK(report(many) == "PASS    nic /a = 1, /b = 2, /c = 3, 1 more\n");
  const doctor::Diagnosis skipped{"nic", doctor::skip("none")};
  CHECK(report(skipped) == "SKIP    nic (none)\n");
  CHECK(doctor::worst({many, failed, skipped}) == doctor::Status::fail);
  CHECK(doctor::worst({many, skipped}) == doctor::Status::skip);
  CHECK(doctor::worst({}) == doctor::Status::pass);
}

TEST_CASE("a check that throws is unknown, and what it read is printable") {
  const Node node;
  const auto machine = look_at(doctor::Root(node.root()), doctor::Libraries::none());
  const doctor::Check broken{
      "broken", [](const doctor::Machine&) -> doctor::Finding { throw std::runtime_error("no idea"); }};
  CHECK(examine(broken, machine).finding.status == doctor::Status::unknown);
  CHECK(examine(broken, machine).finding.consequence == "no idea");
  const doctor::Check wild{"wild", [](const doctor::Machine&) {
                             return doctor::pass({{"/a", "\x1b[2J\xff\n"}});
                           }};
  CHECK(examine(wild, machine).finding.evidence.front().value == "?[2J??");
}

TEST_CASE("every check has its own id and its chapter in the documentation") {
  const std::string page =
      eightfold::test::contents_of(std::filesystem::path(EIGHTFOLD_SOURCE_DIR) / "docs/doctor.md");
  std::set<std::string_view> ids;
  for (const doctor::Check& check : doctor::all_checks()) {
    INFO(check.id);
    CHECK(ids.insert(check.id).second);
    CHECK(page.find("\n### " + std::string(check.id) + "\n") != std::string::npos);
  }
}
