// A file read front to back, in small and in large pieces, as if it were gzip or is. What arrives is what
// zlib alone makes of it, and takes the same memory however much it is.
#include "kernels/base/error.hpp"
#include "runtime/data/byte_stream.hpp"
#include "tests/fuzz/contents.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <vector>

namespace {

using eightfold::runtime::data::ByteStream;

// Reads all there is; returns how many bytes that are, at most as many as fit.
std::size_t read_pieces(ByteStream& stream, std::size_t piece, std::span<std::uint8_t> to) {
  std::size_t done = 0;
  while (done < to.size()) {
    const std::size_t asked = std::min(piece, to.size() - done);
    const std::size_t got = stream.read(to.subspan(done, asked));
    done += got;
    if (got < asked) break;
  }
  return done;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const eightfold::fuzz::MemoryFile file({bytes, size});
  const std::vector<std::uint8_t> expected = eightfold::fuzz::contents_of({bytes, size});
  std::vector<std::uint8_t> found(expected.size() + 1);
  for (const std::size_t piece : {std::size_t{61}, found.size()}) {
    std::size_t announced = 0, count = 0;
    if (!eightfold::fuzz::accepts(eightfold::fuzz::twice(0), [&] {
          ByteStream stream(file.path());
          announced = stream.left();
          count = read_pieces(stream, piece, found);
        }))
      continue;
    eightfold::base::require(announced == expected.size() && count == expected.size() &&
                                 std::equal(expected.begin(), expected.end(), found.begin()),
                             "{} bytes announced, {} read, {} expected", announced, count, expected.size());
  }
  return 0;
}
