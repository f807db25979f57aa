#pragma once

// The common part of the tests of the interpreter: arrays that move to the device and back, and this program
// as a child.

#include "kernels/buffer.hpp"
#include "kernels/cuda/cuda.hpp"
#include "tests/support/process.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace eightfold::simt::testing {

using kernels::Buffer;
using kernels::Device;
using kernels::Event;
using kernels::PinnedBuffer;
using kernels::Shape;
using kernels::Stream;
using kernels::StreamView;
using kernels::cuda::CudaError;
using kernels::cuda::launch;

inline const Device kCuda{kernels::DeviceKind::cuda, 0};

template <class Value>
Buffer<Value> on_device(StreamView stream, std::vector<Value> values) {
  Buffer<Value> buffer(stream.device(), values.size());
  const Shape shape{static_cast<std::int64_t>(values.size())};
  copy(stream, kernels::host_tensor(std::span<Value>(values), shape), buffer.tensor());
  stream.synchronize();
  return buffer;
}

// Also waits for the stream, and throws what went wrong on it.
template <class Value>
std::vector<Value> on_host(StreamView stream, const Buffer<Value>& buffer) {
  std::vector<Value> values(buffer.size());
  const Shape shape{static_cast<std::int64_t>(values.size())};
  copy(stream, buffer.tensor(), kernels::host_tensor(std::span<Value>(values), shape));
  stream.synchronize();
  return values;
}

// The message of the error that a stream ends with; empty without one.
inline std::string failure_of(StreamView stream) {
  try {
    stream.synchronize();
    return {};
  } catch (const CudaError& error) {
    return error.what();
  }
}

// What a driver does that shares and locks nothing, whatever the defaults are.
inline std::map<std::string, std::string> kind_driver() {
  return {{"SIMT_HOST_THREADS", "0"}, {"SIMT_QUEUES", "0"},        {"SIMT_LAZY", "0"},
          {"SIMT_PAGEABLE", "0"},     {"SIMT_STRICT_DEVICE", "0"}, {"SIMT_DEADLOCK", "0"}};
}

// That driver but for some settings.
inline std::map<std::string, std::string> kind_driver_but(std::map<std::string, std::string> settings) {
  settings.merge(kind_driver());
  return settings;
}

// A hidden test case of this program, run by itself.
inline test::Finished run_alone(const std::string& test_case,
                                std::map<std::string, std::string> environment = {}) {
  environment.emplace("SIMT_SEED", "1");
  return test::run({{std::filesystem::read_symlink("/proc/self/exe").string(), test_case}, environment, {}});
}

}  // namespace eightfold::simt::testing
