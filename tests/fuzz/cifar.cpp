// A CIFAR file, plain or gzip, read as CIFAR-10 and as CIFAR-100. One that is accepted has all its bytes in
// records.
#include "runtime/data/cifar.hpp"

#include "kernels/base/error.hpp"
#include "tests/fuzz/contents.hpp"
#include "tests/fuzz/target.hpp"

#include <memory>

namespace data = eightfold::runtime::data;

namespace {

void read(std::span<const std::uint8_t> label_limits, const eightfold::fuzz::MemoryFile& file,
          std::size_t contents) {
  std::shared_ptr<const data::Source> source;
  const std::filesystem::path path = file.path();
  if (!eightfold::fuzz::accepts(eightfold::fuzz::twice(contents), [&] {
        source = data::read_cifar({&path, 1}, label_limits);
      }))
    return;
  const std::size_t record = label_limits.size() + static_cast<std::size_t>(data::kCifarShape.bytes());
  eightfold::base::require(static_cast<std::size_t>(source->size()) * record == contents,
                           "{} records in {} bytes", source->size(), contents);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const eightfold::fuzz::MemoryFile file({bytes, size});
  const std::size_t contents = eightfold::fuzz::contents_of({bytes, size}).size();
  read(data::kCifar10Labels, file, contents);
  read(data::kCifar100Labels, file, contents);
  return 0;
}
