// A safetensors file. The tensors of one that is accepted are read, and are the bytes that the header means.
#include "runtime/checkpoint/safetensors.hpp"

#include "kernels/base/error.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace kernels = eightfold::kernels;
using eightfold::runtime::checkpoint::SafetensorsFile;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const eightfold::fuzz::MemoryFile input({data, size});
  std::optional<SafetensorsFile> file;
  if (!eightfold::fuzz::accepts(eightfold::fuzz::tree_of(size), [&] { file.emplace(input.path()); }))
    return 0;

  std::uint64_t data_bytes = 0;
  for (const auto& [name, entry] : file->entries()) data_bytes = std::max(data_bytes, entry.end);
  const std::uint8_t* start = data + size - data_bytes;
  for (const auto& [name, entry] : file->entries()) {
    if (!entry.dtype || entry.shape.size() > kernels::Shape::kMaxRank) continue;  // no tensor of ours
    std::vector<std::uint8_t> values(entry.end - entry.begin + 1);                // a place also for none
    file->read(name,
               {values.data(), kernels::Shape(std::span<const std::int64_t>(entry.shape)), *entry.dtype, {}});
    eightfold::base::require(std::equal(values.begin(), values.end() - 1, start + entry.begin),
                             "wrong bytes");
  }
  return 0;
}
