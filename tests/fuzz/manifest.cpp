// The manifest of a checkpoint. The files of one that is accepted stay in its directory.
#include "runtime/checkpoint/manifest.hpp"

#include "kernels/base/error.hpp"
#include "tests/fuzz/target.hpp"

#include <filesystem>

namespace checkpoint = eightfold::runtime::checkpoint;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  checkpoint::Manifest manifest;
  const std::string text(eightfold::fuzz::text_of({data, size}));
  if (!eightfold::fuzz::accepts(eightfold::fuzz::tree_of(size),
                                [&] { manifest = checkpoint::parse_manifest("manifest.json", text); }))
    return 0;
  for (const auto& file : manifest.files)
    eightfold::base::require((std::filesystem::path("d") / file.name).lexically_normal().parent_path() == "d",
                             "a file {}", file.name);
  return 0;
}
