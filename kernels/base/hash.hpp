#pragma once

// Content hashes (XXH3): they find flipped bits and torn files; they prove nothing against an adversary.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace eightfold::base {

// 64-bit hash of a span: weights, configs.
std::uint64_t hash64(std::span<const std::byte> bytes);

template <class Value>
std::uint64_t hash64(std::span<const Value> values) {
  return hash64(std::as_bytes(values));
}

// 128-bit hash of a stream of pieces.
class Hash128 {
 public:
  Hash128();
  ~Hash128();
  Hash128(const Hash128&) = delete;  // a half-fed hash has no meaningful copy
  Hash128& operator=(const Hash128&) = delete;

  void update(std::span<const std::byte> bytes);
  // 32 lower-case hexadecimal digits of everything fed so far.
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The 128-bit hash of a file, read in pieces. Throws EnvironmentError when it cannot be read.
std::string hash_file(const std::filesystem::path& path);

}  // namespace eightfold::base
