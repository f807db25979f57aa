#include "kernels/base/hash.hpp"

#include "kernels/base/error.hpp"

#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <new>
#include <vector>

namespace eightfold::base {

std::uint64_t hash64(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

struct Hash128::State {
  XXH3_state_t* handle = XXH3_createState();
  State() {
    if (handle == nullptr) throw std::bad_alloc();
    XXH3_128bits_reset(handle);
  }
  ~State() { XXH3_freeState(handle); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Hash128::Hash128() : state_(std::make_unique<State>()) {}
Hash128::~Hash128() = default;

void Hash128::update(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_->handle, bytes.data(), bytes.size());
}

std::string Hash128::hex() const {
  const XXH128_hash_t digest = XXH3_128bits_digest(state_->handle);
  // The digits are in the order in which xxhsum prints them.
  return fmt::format("{:016x}{:016x}", digest.high64, digest.low64);
}

std::string hash_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) raise<EnvironmentError>("cannot read {}: {}", path.string(), std::strerror(errno));
  Hash128 hash;
  std::vector<char> piece(1 << 20);
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())) || file.gcount() > 0)
    hash.update(std::as_bytes(std::span(piece.data(), static_cast<std::size_t>(file.gcount()))));
  if (file.bad()) raise<EnvironmentError>("cannot read {}: {}", path.string(), std::strerror(errno));
  return hash.hex();
}

}  // namespace eightfold::base
