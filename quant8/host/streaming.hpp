#pragma once

// Stores that bypass the caches, for results that exceed them and are not read soon. They halve the traffic
// and keep the caches' contents.

#include <cstddef>
#include <cstdint>

namespace eightfold::quant8::host {

enum class Store { cached, streaming };

// A write of more than this in one call leaves the caches anyway. Messages are far smaller: what is sent
// next, or added to, stays in them.
inline constexpr std::size_t kStreamedBytes = std::size_t{4} << 20;

constexpr Store store_for(std::size_t bytes) {
  return bytes < kStreamedBytes ? Store::cached : Store::streaming;
}

// `to` is aligned to 16 bytes.
void copy_streaming(const std::uint8_t* from, std::size_t bytes, std::uint8_t* to);

// The same value everywhere; `to` is aligned to 16 bytes. Finished when it returns.
void fill_streaming(float* to, std::size_t count, float value);

// To be called after streaming stores: other threads see them before anything that follows.
void finish_streaming();

}  // namespace eightfold::quant8::host
