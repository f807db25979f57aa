// A file with a fabric, a workload or both. What is accepted is also what its own text says.
#include "kernels/base/error.hpp"
#include "runtime/scale/fabric_file.hpp"
#include "runtime/scale/workload_file.hpp"
#include "tests/fuzz/target.hpp"

#include <optional>
#include <string>

namespace scale = eightfold::runtime::scale;

namespace {

// `parse` and `write` are each other's inverse.
template <class Described>
void read_and_write(std::string_view text, Described (*parse)(std::string_view, std::string_view),
                    std::string (*write)(const Described&)) {
  std::optional<Described> described;
  if (!eightfold::fuzz::accepts(eightfold::fuzz::tree_of(text.size()),
                                [&] { described = parse(text, "fabric.toml"); }))
    return;
  const std::string written = write(*described);
  eightfold::base::require(write(parse(written, "written")) == written, "{} is not what it says", written);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = eightfold::fuzz::text_of({data, size});
  read_and_write(text, scale::parse_fabric, scale::fabric_text);
  read_and_write(text, scale::parse_workload, scale::workload_text);
  return 0;
}
