#include "tests/fuzz/contents.hpp"

#include "kernels/base/error.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>

namespace eightfold::fuzz {
namespace {

bool is_gzip(Input file) {
  return file.size() >= 2 && file[0] == 0x1f && file[1] == 0x8b;
}

// Appends what one member holds; returns what follows it, nothing if it is damaged.
Input inflate_member(Input file, std::vector<std::uint8_t>& contents) {
  z_stream zlib{};
  base::require(inflateInit2(&zlib, 15 + 16) == Z_OK, "zlib does not start");
  zlib.next_in = const_cast<Bytef*>(file.data());  // zlib's C interface has no const
  zlib.avail_in = static_cast<uInt>(file.size());
  std::array<std::uint8_t, 4096> piece;
  int code = Z_OK;
  while (code == Z_OK) {
    zlib.next_out = piece.data();
    zlib.avail_out = piece.size();
    code = inflate(&zlib, Z_NO_FLUSH);
    contents.insert(contents.end(), piece.begin(), piece.end() - zlib.avail_out);
  }
  inflateEnd(&zlib);
  return code == Z_STREAM_END ? file.last(zlib.avail_in) : Input();
}

// What follows the zeros that pad a member.
Input without_padding(Input file) {
  return file.subspan(static_cast<std::size_t>(
      std::ranges::find_if(file, [](std::uint8_t byte) { return byte != 0; }) - file.begin()));
}

}  // namespace

std::vector<std::uint8_t> contents_of(Input file) {
  if (!is_gzip(file)) return {file.begin(), file.end()};
  std::vector<std::uint8_t> contents;
  while (is_gzip(file)) file = without_padding(inflate_member(file, contents));
  return contents;
}

}  // namespace eightfold::fuzz
