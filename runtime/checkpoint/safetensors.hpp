#pragma once

// The safetensors format: 8 bytes of header length (little-endian), a JSON header, the tensors' bytes without
// gaps. No file is trusted: memory is allocated only for sizes that agree with the file's own size.

#include "kernels/base/file.hpp"
#include "kernels/tensor.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace eightfold::runtime::checkpoint {

struct NamedTensor {
  std::string name;
  kernels::ConstTensor tensor;  // on the host
};

// Writes a new file, durable on return. Throws EnvironmentError.
base::FileFacts write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                                  const std::map<std::string, std::string>& metadata);

// The place of a tensor in its file.
struct SafetensorsEntry {
  std::string type;                     // as the file names it
  std::optional<kernels::DType> dtype;  // absent for a type that nothing here computes with
  std::vector<std::int64_t> shape;
  std::uint64_t begin, end;  // bytes, from the end of the header
};
using SafetensorsEntries = std::map<std::string, SafetensorsEntry>;

// The tensors of a header that `data_bytes` follow. Throws DataError, beginning with `file`, when it is not
// JSON, or has duplicate names or more than a million tensors. The same goes for sizes that overflow or
// disagree with the shape, and for gaps, overlaps, missing or surplus bytes. The size of a type that is not
// ours is not known.
SafetensorsEntries parse_safetensors_header(const std::string& file, const std::string& header,
                                            std::uint64_t data_bytes);

// An open file whose header has been checked.
class SafetensorsFile {
 public:
  // Throws DataError with file and fault: no regular file, a header length beyond the file or 100 MB, or a
  // fault in the header.
  explicit SafetensorsFile(const std::filesystem::path& path);
  explicit SafetensorsFile(base::InputFile file);

  const SafetensorsEntries& entries() const noexcept { return entries_; }
  // Fills a tensor on the host. Throws DataError if the file has none of that name, type and shape.
  void read(const std::string& name, kernels::Tensor to) const;

 private:
  base::InputFile file_;
  std::uint64_t data_start_ = 0;
  SafetensorsEntries entries_;
};

}  // namespace eightfold::runtime::checkpoint
