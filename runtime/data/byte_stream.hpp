#pragma once

// A file read front to back, decompressed on the way if its contents are gzip (its name does not matter).
// Any fault of the file throws DataError with its path and the offset.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>

namespace eightfold::runtime::data {

class ByteStream {
 public:
  explicit ByteStream(const std::filesystem::path& path);
  ~ByteStream();
  ByteStream(const ByteStream&) = delete;  // owns a file position
  ByteStream& operator=(const ByteStream&) = delete;

  // Fills `to` as far as the contents reach; returns how many bytes that were.
  std::size_t read(std::span<std::uint8_t> to);
  // The number of bytes still to be read. In a compressed file they are counted, which takes as long as
  // reading them. So memory for them is allocated only after they are known to exist.
  std::uint64_t left();

 private:
  struct Inflater;

  std::size_t read_raw(std::span<std::uint8_t> to);
  std::size_t inflate_into(std::span<std::uint8_t> to);
  bool skip_padding();
  bool start_next_member();
  void rewind();
  std::uint64_t skip(std::uint64_t count);

  std::filesystem::path path_;
  std::ifstream file_;
  std::uint64_t size_ = 0;
  std::uint64_t position_ = 0;  // in the file
  std::unique_ptr<Inflater> inflater_;
};

}  // namespace eightfold::runtime::data
