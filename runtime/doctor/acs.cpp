#include "runtime/doctor/acs.hpp"

namespace eightfold::runtime::doctor {
namespace {

constexpr std::size_t kFirstExtended = 0x100;  // without privileges the file ends at 0x40
constexpr std::size_t kEnd = 0x1000;
constexpr unsigned kAcs = 0x000D;
constexpr unsigned kRedirects = 0b1100;  // requests, completions

unsigned byte_at(const std::string& bytes, std::size_t offset) {
  return static_cast<unsigned char>(bytes[offset]);
}

unsigned word_at(const std::string& bytes, std::size_t offset) {
  return byte_at(bytes, offset) | byte_at(bytes, offset + 1) << 8;
}

}  // namespace

AcsState acs_of(const Root& root, const std::string& address) {
  const auto read = root.read_raw(std::filesystem::path("/sys/bus/pci/devices") / address / "config");
  if (!read || read->size() < kEnd) return AcsState::unreadable;
  const std::string& bytes = *read;
  // A list: capability, version and the offset of the next, which never leads back.
  for (std::size_t at = kFirstExtended, next = 0; at >= kFirstExtended && at + 8 <= kEnd; at = next) {
    if (word_at(bytes, at) == kAcs)
      return (word_at(bytes, at + 6) & kRedirects) != 0 ? AcsState::redirects : AcsState::straight;
    next = word_at(bytes, at + 2) >> 4;
    if (next <= at) break;
  }
  return AcsState::straight;
}

}  // namespace eightfold::runtime::doctor
