#pragma once

// The safetensors format: 8 bytes of header length (little-endian), a JSON header, the tensors' bytes without
// gaps. Files are read as if a stranger had written them: nothing is allocated on the word of a header that
// the file's own size does not bear out.

#include "kernels/tensor.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace eightfold::runtime::checkpoint {

struct NamedTensor {
  std::string name;
  kernels::ConstTensor tensor;  // on the host
};

// Writes a new file, durable on return. Throws EnvironmentError.
void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata);

// An open file whose header has been checked.
class SafetensorsFile {
 public:
  struct Entry {
    kernels::DType dtype;
    std::vector<std::int64_t> shape;
    std::uint64_t begin, end;  // bytes, from the end of the header
  };

  // Throws DataError, naming the file and what is wrong with it: header length beyond the file or 100 MB, not
  // JSON, duplicate names, unknown types, sizes that overflow or disagree with the shape, gaps, overlaps,
  // missing or surplus bytes.
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::map<std::string, Entry>& entries() const noexcept { return entries_; }
  // Fills a tensor on the host. Throws DataError if the file has none of that name, type and shape.
  void read(const std::string& name, kernels::Tensor to) const;

 private:
  std::filesystem::path path_;
  std::uint64_t data_start_ = 0;
  std::map<std::string, Entry> entries_;
};

}  // namespace eightfold::runtime::checkpoint
