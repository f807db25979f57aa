#pragma once

// A healthy node of a cluster as a tree of files. It has H200 GPUs and an InfiniBand adapter beside each,
// every pair below a PCIe switch of its own. Tests add the fault that they examine.

#include "tests/support/scratch.hpp"

#include <map>
#include <string>
#include <vector>

namespace eightfold::test {

class Node {
 public:
  // One pair at each of two NUMA nodes.
  static constexpr const char* kGpu = "0000:1a:00.0";
  static constexpr const char* kNic = "0000:1b:00.0";
  static constexpr const char* kBridge = "0000:19:00.0";  // the switch's port above the first GPU
  static constexpr const char* kPort = "/sys/class/infiniband/mlx5_0/ports/1/";

  explicit Node(int pairs = 2);

  const std::filesystem::path& root() const { return root_.path(); }
  // Fakes of all that the doctor asks; say what they answer with a Setting.
  const std::filesystem::path& libraries() const { return libraries_.path(); }

  // Paths are the node's own.
  void write(const std::string& path, std::string_view contents) const;
  void link(const std::string& path, const std::string& target) const;
  void remove(const std::string& path) const;
  // The path of a file of a PCI device.
  static std::string pci(const std::string& address, const std::string& file);
  // A variable of the process that the doctor looks at.
  void set(const std::string& variable, const std::string& value);

 private:
  void add_pci_device(const std::string& place, const std::map<std::string, std::string>& files) const;
  void add_pair(int number) const;
  void add_ports(const std::string& nic, const std::string& name) const;
  void add_driver() const;
  void add_system() const;

  Scratch root_, libraries_;
  std::map<std::string, std::string> variables_;
};

// The configuration of a PCI device as root reads it, with this value in the control register of its access
// control services.
std::string pci_configuration(unsigned acs_control);

// A variable of this process, for as long as this lives.
class Setting {
 public:
  Setting(const std::string& name, const std::string& value);
  ~Setting();
  Setting(const Setting&) = delete;  // two would restore it twice
  Setting& operator=(const Setting&) = delete;

 private:
  std::string name_;
};

}  // namespace eightfold::test
