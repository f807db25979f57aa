// Two IDX files, plain or gzip: two bytes (big endian) with the length of the labels' file, the labels, the
// images. A pair that is accepted has as many pixels as there are labels for.
#include "runtime/data/idx.hpp"

#include "kernels/base/error.hpp"
#include "tests/fuzz/contents.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <vector>

namespace data = eightfold::runtime::data;
using eightfold::fuzz::Input;

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 2) return 0;
  const Input files(bytes + 2, size - 2);
  const std::size_t cut = std::min(files.size(), std::size_t{bytes[0]} << 8 | bytes[1]);
  const eightfold::fuzz::MemoryFile labels(files.first(cut)), images(files.subspan(cut));
  const std::size_t contents = eightfold::fuzz::contents_of(files.first(cut)).size() +
                               eightfold::fuzz::contents_of(files.subspan(cut)).size();
  std::shared_ptr<const data::Source> source;
  if (!eightfold::fuzz::accepts(eightfold::fuzz::twice(contents),
                                [&] { source = data::read_idx_pair(images.path(), labels.path()); }))
    return 0;
  std::vector<std::uint8_t> image(static_cast<std::size_t>(source->sample_shape().bytes()));
  std::int32_t label = 0;
  source->read(source->size() - 1, image, label);
  eightfold::base::require(label >= 0 && label < source->classes(), "label {}", label);
  return 0;
}
