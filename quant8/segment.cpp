#include "quant8/segment.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/hash.hpp"

#include <bit>
#include <cstring>
#include <string>

namespace eightfold::quant8 {
namespace {

static_assert(std::endian::native == std::endian::little, "the planes are copied as they lie in memory");

std::string describe(const Header& header) {
  if (header.magic != kMagic) return fmt::format("no segment (it begins with {:#04x})", header.magic);
  if (header.version != kVersion) return fmt::format("wire format {}", header.version);
  return fmt::format("message {} with {} elements of {}, {}, {}", header.sequence, header.elements,
                     to_string(header.format),
                     header.block == 0 ? std::string("no blocks") : fmt::format("blocks of {}", header.block),
                     header.flags == 0           ? std::string("no hash")
                     : header.flags == kFlagHash ? std::string("a hash")
                                                 : fmt::format("flags {:#04x}", header.flags));
}

Encoding encoding_of(const Header& header) {
  return {header.format, header.block == 0 ? Scaling::tensor : Scaling::block,
          (header.flags & kFlagHash) != 0};
}

std::uint64_t hash_of(std::span<const std::byte> segment, const Layout& layout) {
  return base::hash64(segment.first(layout.hash));
}

}  // namespace

void check_header(std::span<const std::byte> segment, const Header& expected, std::string_view sender,
                  std::string_view receiver) {
  Header header;
  if (segment.size() < sizeof(header))
    base::raise<base::DataError>("{} sent {} bytes, {} expects {}", sender, segment.size(), receiver,
                                 describe(expected));
  std::memcpy(&header, segment.data(), sizeof(header));
  // Before the length: where the codecs of two ranks differ, the header says how.
  if (header != expected)
    base::raise<base::DataError>("{} sent {}, {} expects {}", sender, describe(header), receiver,
                                 describe(expected));
  const std::size_t bytes = wire_bytes(encoding_of(expected), static_cast<std::int64_t>(expected.elements));
  if (segment.size() != bytes)
    base::raise<base::DataError>("{} sent {} bytes, {} expects {}: {}", sender, segment.size(), receiver,
                                 bytes, describe(expected));
}

// The memory may hold an earlier message. Padding is zeroed, because the hash covers it and equal values make
// equal bytes.
void write_frame(std::span<std::byte> segment, const Encoding& encoding, const Header& header) {
  const auto elements = static_cast<std::int64_t>(header.elements);
  const Layout layout = layout_of(encoding, elements);
  const std::size_t scales_end = layout.scales + 2 * static_cast<std::size_t>(scales_of(encoding, elements));
  const std::size_t codes_end = layout.codes + code_bytes(encoding.format, elements);
  std::memcpy(segment.data(), &header, sizeof(header));
  std::memset(segment.data() + scales_end, 0, layout.codes - scales_end);
  std::memset(segment.data() + codes_end, 0, layout.hash - codes_end);
}

// After everything else: the hash covers header, scales, codes and padding.
void write_hash(std::span<std::byte> segment, const Encoding& encoding, std::int64_t elements) {
  if (!encoding.has_hash) return;
  const Layout layout = layout_of(encoding, elements);
  const std::uint64_t hash = hash_of(segment, layout);
  std::memcpy(segment.data() + layout.hash, &hash, sizeof(hash));
}

// Where the hash lies follows from what the receiver expects, never from bytes that may have changed.
void check_hash(std::span<const std::byte> segment, const Encoding& encoding, std::int64_t elements,
                std::string_view sender) {
  if (!encoding.has_hash) return;
  const Layout layout = layout_of(encoding, elements);
  std::uint64_t expected;
  std::memcpy(&expected, segment.data() + layout.hash, sizeof(expected));
  if (const std::uint64_t found = hash_of(segment, layout); found != expected)
    base::raise<base::DataError>(
        "the {} bytes from {} have the hash {:016x}, not {:016x} as sent: they changed on their way",
        layout.hash, sender, found, expected);
}

}  // namespace eightfold::quant8
