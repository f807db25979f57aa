#include "runtime/data/idx.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/file.hpp"
#include "runtime/data/byte_stream.hpp"

#include <fmt/ranges.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <string>
#include <utility>

namespace eightfold::runtime::data {
namespace {

namespace fs = std::filesystem;

constexpr std::uint8_t kUnsignedByte = 0x08;

std::string extents_text(const std::vector<std::int64_t>& extents) {
  return fmt::format("{}", fmt::join(extents, " x "));
}

void check_magic(const fs::path& path, const std::array<std::uint8_t, 4>& magic, std::size_t dimensions) {
  if (magic[0] != 0 || magic[1] != 0)
    base::raise<base::DataError>(
        "{}: not an IDX file: it starts with {:02x} {:02x} {:02x} {:02x}; 00 00 08 {:02x} was expected",
        path.string(), magic[0], magic[1], magic[2], magic[3], dimensions);
  if (magic[2] != kUnsignedByte)
    base::raise<base::DataError>(
        "{}: IDX values of type 0x{:02x} (byte 2); only 0x08, unsigned bytes, is read", path.string(),
        magic[2]);
  if (magic[3] != dimensions)
    base::raise<base::DataError>("{}: {} dimensions (byte 3) where {} were expected; images have 3, labels 1",
                                 path.string(), magic[3], dimensions);
}

std::vector<std::int64_t> read_extents(const fs::path& path, ByteStream& stream, std::size_t dimensions) {
  std::vector<std::uint8_t> bytes(4 * dimensions);
  if (const std::size_t got = stream.read(bytes); got < bytes.size())
    base::raise<base::DataError>("{}: the header ends after {} bytes; {} dimensions take {}", path.string(),
                                 4 + got, dimensions, 4 + bytes.size());
  std::vector<std::int64_t> extents;
  for (std::size_t i = 0; i < bytes.size(); i += 4) {
    extents.push_back(std::int64_t{bytes[i]} << 24 | bytes[i + 1] << 16 | bytes[i + 2] << 8 | bytes[i + 3]);
    if (extents.back() == 0)
      base::raise<base::DataError>("{}: dimension {} is 0 (byte {}); it must be at least 1", path.string(),
                                   i / 4, 4 + i);
  }
  return extents;
}

std::uint64_t count_values(const fs::path& path, const std::vector<std::int64_t>& extents) {
  std::uint64_t count = 1;
  for (const std::int64_t extent : extents) {
    if (count > std::numeric_limits<std::int64_t>::max() / static_cast<std::uint64_t>(extent))
      base::raise<base::DataError>("{}: the header announces {} values, more than any file holds",
                                   path.string(), extents_text(extents));
    count *= static_cast<std::uint64_t>(extent);
  }
  return count;
}

std::vector<std::uint8_t> read_values(const fs::path& path, ByteStream& stream, const IdxArray& array) {
  const std::uint64_t expected = count_values(path, array.extents);
  // Compared before anything is allocated: a header of 16 bytes may announce exabytes.
  if (const std::uint64_t left = stream.left(); left != expected)
    base::raise<base::DataError>("{}: {} bytes follow the header, which announces {} = {}", path.string(),
                                 left, extents_text(array.extents), expected);
  std::vector<std::uint8_t> values(expected);
  if (const std::size_t got = stream.read(values); got != expected)
    base::raise<base::DataError>("{}: {} of {} bytes could be read: the file changes", path.string(), got,
                                 expected);
  return values;
}

// The size of the next piece of `left` bytes, which zlib takes as 32 bits. Far below what these hold, so that
// files of a usual size are made of several pieces, too.
uInt take_piece(std::size_t& left) {
  constexpr std::size_t kPiece = 1 << 20;
  const std::size_t piece = std::min(left, kPiece);
  left -= piece;
  return static_cast<uInt>(piece);
}

std::string compress(const std::string& contents) {
  constexpr int kGzip = 15 + 16;  // zlib's spelling of: largest window, gzip wrapper
  // zlib's default, which has no name; only this call can ask for the gzip wrapper.
  constexpr int kMemoryLevel = 8;
  z_stream zlib{};
  base::require(
      deflateInit2(&zlib, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, kMemoryLevel, Z_DEFAULT_STRATEGY) == Z_OK,
      "zlib does not start");
  std::string compressed(deflateBound(&zlib, contents.size()), '\0');
  zlib.next_in =
      reinterpret_cast<Bytef*>(const_cast<char*>(contents.data()));  // zlib's C interface has no const
  zlib.next_out = reinterpret_cast<Bytef*>(compressed.data());
  std::size_t unread = contents.size(), unwritten = compressed.size();
  int code = Z_OK;
  while (code == Z_OK) {
    if (zlib.avail_in == 0) zlib.avail_in = take_piece(unread);
    if (zlib.avail_out == 0) zlib.avail_out = take_piece(unwritten);
    code = deflate(&zlib, unread == 0 ? Z_FINISH : Z_NO_FLUSH);
  }
  compressed.resize(zlib.total_out);
  deflateEnd(&zlib);
  base::require(code == Z_STREAM_END, "zlib gave {}", code);
  return compressed;
}

}  // namespace

IdxArray read_idx(const fs::path& path, std::size_t dimensions) {
  ByteStream stream(path);
  std::array<std::uint8_t, 4> magic{};
  if (const std::size_t got = stream.read(magic); got < magic.size())
    base::raise<base::DataError>("{}: not an IDX file: it has only {} bytes", path.string(), got);
  check_magic(path, magic, dimensions);
  IdxArray array;
  array.extents = read_extents(path, stream, dimensions);
  array.values = read_values(path, stream, array);
  return array;
}

void write_idx(const fs::path& path, const IdxArray& array) {
  constexpr std::int64_t kMaxExtent = std::numeric_limits<std::uint32_t>::max();
  std::string contents{'\0', '\0', static_cast<char>(kUnsignedByte), static_cast<char>(array.extents.size())};
  std::size_t count = 1;
  for (const std::int64_t extent : array.extents) {
    base::require(extent >= 1 && extent <= kMaxExtent, "an IDX dimension of {}", extent);
    count *= static_cast<std::size_t>(extent);
    for (int shift = 24; shift >= 0; shift -= 8) contents.push_back(static_cast<char>(extent >> shift & 255));
  }
  base::require(count == array.values.size(), "{} values for {}", array.values.size(),
                extents_text(array.extents));
  contents.append(array.values.begin(), array.values.end());
  base::write_output_file(path, path.extension() == ".gz" ? compress(contents) : contents);
}

std::shared_ptr<const Source> read_idx_pair(const fs::path& images, const fs::path& labels) {
  IdxArray classes_of = read_idx(labels, 1);
  IdxArray pixels = read_idx(images, 3);
  if (pixels.extents[0] != classes_of.extents[0])
    base::raise<base::DataError>("{} holds {} images, but {} holds {} labels", images.string(),
                                 pixels.extents[0], labels.string(), classes_of.extents[0]);
  // IDX does not say how many classes there are. The network may have more outputs than this.
  const std::int64_t classes = *std::ranges::max_element(classes_of.values) + 1;
  return std::make_shared<InMemorySource>(SampleShape{pixels.extents[1], pixels.extents[2], 1}, classes,
                                          std::move(pixels.values), std::move(classes_of.values),
                                          labels.string());
}

}  // namespace eightfold::runtime::data
