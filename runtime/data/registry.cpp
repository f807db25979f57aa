#include "runtime/data/registry.hpp"

// Every kind, described beside the code that opens it: a new one is a file, and its name here.
#define EIGHTFOLD_DATA_KINDS(kind) kind(digits) kind(idx) kind(cifar10) kind(cifar100)

namespace eightfold::runtime::data {

#define EIGHTFOLD_DECLARE(name) const DataKind& name();
EIGHTFOLD_DATA_KINDS(EIGHTFOLD_DECLARE)

const std::vector<const DataKind*>& all_data_kinds() {
#define EIGHTFOLD_ADDRESS(name) &name(),
  static const std::vector<const DataKind*> kinds = {EIGHTFOLD_DATA_KINDS(EIGHTFOLD_ADDRESS)};
  return kinds;
}

const DataKind& find_data_kind(std::string_view name) {
  return config::require_kind(all_data_kinds(), name);
}

}  // namespace eightfold::runtime::data
