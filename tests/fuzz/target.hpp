#pragma once

// The common part of the fuzz targets. A target is one source with LLVMFuzzerTestOneInput. In the preset
// `fuzz` libFuzzer calls it (tests/fuzz/run.sh). In any other build a plain main calls it with the kept
// inputs (replay.cpp).

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace eightfold::fuzz {

using Input = std::span<const std::uint8_t>;

std::string_view text_of(Input input);

// The memory that reading an input may hold at once, and the largest allocation in it; both in bytes.
struct MemoryLimit {
  std::size_t live;
  std::size_t one;
};

// For readers of bytes into arrays: twice the input and 128 KiB. Even tiny inputs need the 128 KiB, for the
// buffers of a stream, zlib's window and the texts of an error.
MemoryLimit twice(std::size_t input_bytes);
// For readers that make a tree of a text: 64 bytes for each of the input, in allocations as above. Its nodes
// are larger than the few characters that they stand for.
MemoryLimit tree_of(std::size_t input_bytes);

// Runs `read`; false if it refused the input by a ConfigError or a DataError, in one line without control
// characters. Memory beyond the limit and messages of any other shape end the process, and so does any other
// exception, which is not caught here.
bool accepts(const MemoryLimit& limit, const std::function<void()>& read);

// A file in memory, for readers that never hold a whole file and so have no entry for one that is in memory.
class MemoryFile {
 public:
  explicit MemoryFile(Input contents);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;  // owns the file
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::filesystem::path path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace eightfold::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
