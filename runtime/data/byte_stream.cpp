#include "runtime/data/byte_stream.hpp"

#include "kernels/base/error.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>

namespace eightfold::runtime::data {
namespace {

constexpr std::array<std::uint8_t, 2> kGzipMagic = {0x1f, 0x8b};
constexpr int kGzipOnly = 15 + 16;  // zlib's spelling of: largest window, gzip wrapper

}  // namespace

struct ByteStream::Inflater {
  Inflater() { base::require(inflateInit2(&zlib, kGzipOnly) == Z_OK, "zlib does not start"); }
  ~Inflater() { inflateEnd(&zlib); }
  Inflater(const Inflater&) = delete;  // zlib keeps a pointer to the stream
  Inflater& operator=(const Inflater&) = delete;

  // As if nothing had been read.
  void restart() {
    next_member();
    zlib.avail_in = 0;
    produced = 0;
    at_end = false;
  }
  void next_member() { base::require(inflateReset(&zlib) == Z_OK, "zlib does not restart"); }

  z_stream zlib{};
  std::array<std::uint8_t, 1 << 16> input;
  std::uint64_t produced = 0;
  bool at_end = false;
};

ByteStream::ByteStream(const std::filesystem::path& path) : path_(path) {
  std::error_code failure;
  if (!std::filesystem::is_regular_file(path, failure))
    base::raise<base::DataError>("{}: {}", path.string(), failure ? failure.message() : "not a regular file");
  size_ = std::filesystem::file_size(path, failure);
  if (!failure) file_.open(path, std::ios::binary);
  if (failure || !file_)
    base::raise<base::DataError>("{}: cannot be opened: {}", path.string(), std::strerror(errno));

  std::array<std::uint8_t, 2> magic{};
  // The contents decide and not the name: a download may be unpacked and still end in .gz.
  const bool is_gzip = read_raw(magic) == magic.size() && magic == kGzipMagic;
  rewind();
  if (is_gzip) inflater_ = std::make_unique<Inflater>();
}

ByteStream::~ByteStream() = default;

std::size_t ByteStream::read(std::span<std::uint8_t> to) {
  return inflater_ ? inflate_into(to) : read_raw(to);
}

std::uint64_t ByteStream::left() {
  if (!inflater_) return size_ - position_;
  // Only inflating tells. The size that gzip writes at the end counts modulo 2^32, and only its last member.
  const std::uint64_t here = inflater_->produced;
  const std::uint64_t count = skip(std::numeric_limits<std::uint64_t>::max());
  rewind();
  skip(here);
  return count;
}

void ByteStream::rewind() {
  file_.clear();
  file_.seekg(0);
  position_ = 0;
  if (inflater_) inflater_->restart();
}

// Returns how many there were.
std::uint64_t ByteStream::skip(std::uint64_t count) {
  std::array<std::uint8_t, 1 << 14> piece;
  std::uint64_t done = 0;
  while (done < count) {
    const std::size_t asked = std::min<std::uint64_t>(piece.size(), count - done);
    const std::size_t got = read(std::span(piece).first(asked));
    done += got;
    if (got < asked) break;
  }
  return done;
}

std::size_t ByteStream::read_raw(std::span<std::uint8_t> to) {
  file_.read(reinterpret_cast<char*>(to.data()), static_cast<std::streamsize>(to.size()));
  if (file_.bad()) base::raise<base::DataError>("{}: cannot be read at byte {}", path_.string(), position_);
  const auto count = static_cast<std::size_t>(file_.gcount());
  position_ += count;
  return count;
}

std::size_t ByteStream::inflate_into(std::span<std::uint8_t> to) {
  // zlib counts in 32 bits.
  constexpr std::size_t kPiece = 1 << 30;
  z_stream& zlib = inflater_->zlib;
  std::size_t done = 0;
  while (done < to.size() && !inflater_->at_end) {
    if (zlib.avail_in == 0) {
      zlib.next_in = inflater_->input.data();
      zlib.avail_in = static_cast<uInt>(read_raw(inflater_->input));
      if (zlib.avail_in == 0)
        base::raise<base::DataError>(
            "{}: the compressed data break off at byte {}, after {} bytes of contents", path_.string(),
            position_, inflater_->produced);
    }
    const std::size_t piece = std::min(to.size() - done, kPiece);
    zlib.next_out = to.data() + done;
    zlib.avail_out = static_cast<uInt>(piece);
    const int code = inflate(&zlib, Z_NO_FLUSH);
    const std::size_t count = piece - zlib.avail_out;
    done += count;
    inflater_->produced += count;
    if (code == Z_STREAM_END) {
      inflater_->at_end = !start_next_member();
    } else if (code != Z_OK) {
      base::raise<base::DataError>("{}: damaged gzip data before byte {}: {}", path_.string(),
                                   position_ - zlib.avail_in, zlib.msg != nullptr ? zlib.msg : zError(code));
    }
  }
  return done;
}

// Tapes and block devices pad files with zeros. False at the end of the file.
bool ByteStream::skip_padding() {
  z_stream& zlib = inflater_->zlib;
  auto& input = inflater_->input;
  for (;;) {
    const std::span left(zlib.next_in, zlib.avail_in);
    const auto other = std::ranges::find_if(left, [](Bytef byte) { return byte != 0; });
    zlib.avail_in = static_cast<uInt>(left.end() - other);
    zlib.next_in += other - left.begin();
    if (zlib.avail_in > 0) return true;
    zlib.next_in = input.data();
    zlib.avail_in = static_cast<uInt>(read_raw(input));
    if (zlib.avail_in == 0) return false;
  }
}

// A gzip file is a sequence of members, perhaps padded; anything else behind one is not gzip.
bool ByteStream::start_next_member() {
  if (!skip_padding()) return false;
  z_stream& zlib = inflater_->zlib;
  auto& input = inflater_->input;
  // The two bytes of the magic number may lie on both sides of the end of the buffer.
  std::memmove(input.data(), zlib.next_in, zlib.avail_in);
  if (zlib.avail_in < kGzipMagic.size())
    zlib.avail_in += static_cast<uInt>(read_raw(std::span(input).subspan(zlib.avail_in)));
  zlib.next_in = input.data();
  if (zlib.avail_in < kGzipMagic.size() ||
      std::memcmp(input.data(), kGzipMagic.data(), kGzipMagic.size()) != 0)
    base::raise<base::DataError>("{}: bytes that are not gzip follow the compressed data, from byte {} of {}",
                                 path_.string(), position_ - zlib.avail_in, size_);
  inflater_->next_member();
  return true;
}

}  // namespace eightfold::runtime::data
