// The functions of the CUDA runtime for memory; the others, and what holds for all, are in runtime_api.cpp.

#include "tests/simt/devices.hpp"
#include "tests/simt/memory.hpp"
#include "tests/simt/runtime_lock.hpp"

#include <cuda_runtime_api.h>

#include <cstring>

using namespace eightfold::simt;

namespace {

cudaError_t allocate_for(MemoryType type, void** data, std::size_t bytes) {
  if (!is_device(current_device())) return remember(cudaErrorNoDevice);
  *data = bytes == 0 ? nullptr : allocate(type, current_device(), bytes);
  return remember(bytes > 0 && *data == nullptr ? cudaErrorMemoryAllocation : cudaSuccess);
}

// A driver may wait for the device before it allocates.
cudaError_t allocate_when_idle(MemoryType type, void** data, std::size_t bytes, const char* call) {
  if (const cudaError_t error = check_caller(call); error != cudaSuccess) return error;
  const RuntimeLock lock(call);
  if (settings().is_lazy) synchronize_device(current_device(), {call, "the device"});
  return allocate_for(type, data, bytes);
}

// Like the original it waits for the device first.
cudaError_t free_from(MemoryType type, void* data, const char* call) {
  if (const cudaError_t error = check_caller(call); error != cudaSuccess) return error;
  if (data == nullptr) return cudaSuccess;
  const RuntimeLock lock(call);
  const cudaError_t error = synchronize_device(current_device(), {call, "the device"});
  return remember(release(type, data) ? error : cudaErrorInvalidValue);
}

// Whether [data, data + bytes) lies in one allocation, or in host memory that the runtime does not know.
bool is_whole(const void* data, std::size_t bytes) {
  const auto first = allocation_at(data), last = allocation_at(static_cast<const char*>(data) + bytes - 1);
  return (first ? first->data : nullptr) == (last ? last->data : nullptr);
}

bool is_device_memory(const void* data) {
  const auto allocation = allocation_at(data);
  return allocation && allocation->type == MemoryType::device;
}

bool is_pageable(const void* data) {
  return !allocation_at(data);
}

bool fits(cudaMemcpyKind kind, const void* to, const void* from) {
  if (kind == cudaMemcpyDefault) return true;
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  return is_device_memory(to) == to_device && is_device_memory(from) == from_device;
}

}  // namespace

cudaError_t cudaMalloc(void** data, std::size_t bytes) {
  return allocate_when_idle(MemoryType::device, data, bytes, "cudaMalloc");
}

// Usable at once, where a GPU would promise it only in the order of the stream.
cudaError_t cudaMallocAsync(void** data, std::size_t bytes, cudaStream_t stream) {
  if (const cudaError_t error = find(stream); error != cudaSuccess) return error;
  return allocate_for(MemoryType::device, data, bytes);
}

cudaError_t cudaMallocHost(void** data, std::size_t bytes) {
  return allocate_when_idle(MemoryType::pinned, data, bytes, "cudaMallocHost");
}

cudaError_t cudaHostAlloc(void** data, std::size_t bytes, unsigned) {
  return allocate_when_idle(MemoryType::pinned, data, bytes, "cudaHostAlloc");
}

cudaError_t cudaFree(void* data) {
  return free_from(MemoryType::device, data, "cudaFree");
}

cudaError_t cudaFreeHost(void* data) {
  return free_from(MemoryType::pinned, data, "cudaFreeHost");
}

cudaError_t cudaFreeAsync(void* data, cudaStream_t stream) {
  if (const cudaError_t error = find(stream); error != cudaSuccess) return error;
  if (data == nullptr) return cudaSuccess;
  if (!is_device_memory(data)) return remember(cudaErrorInvalidValue);
  stream->enqueue(Kind::bookkeeping, [data] { release(MemoryType::device, data); });
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (const cudaError_t error = find(stream); error != cudaSuccess) return error;
  if (bytes == 0) return cudaSuccess;
  if (!is_whole(to, bytes) || !is_whole(from, bytes)) return remember(cudaErrorInvalidValue);
  if (!fits(kind, to, from)) return remember(cudaErrorInvalidMemcpyDirection);
  RuntimeLock lock("cudaMemcpyAsync");
  if (settings().is_pageable_locking && (is_pageable(to) || is_pageable(from))) {
    lock.keep();
    stream->enqueue(Kind::bookkeeping, [] { release_runtime_lock(); });
  }
  stream->enqueue(Kind::device_work, [=] { std::memcpy(to, from, bytes); });
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  if (const cudaError_t error = check_caller(); error != cudaSuccess) return error;
  const cudaError_t error = cudaMemcpyAsync(to, from, bytes, kind, nullptr);
  return error == cudaSuccess ? cudaStreamSynchronize(nullptr) : error;
}

cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t stream) {
  if (const cudaError_t error = find(stream); error != cudaSuccess) return error;
  if (bytes == 0) return cudaSuccess;
  if (!is_device_memory(data) || !is_whole(data, bytes)) return remember(cudaErrorInvalidValue);
  const RuntimeLock lock("cudaMemsetAsync");
  stream->enqueue(Kind::device_work, [=] { std::memset(data, value, bytes); });
  return cudaSuccess;
}

// Like the original it does not wait for the device.
cudaError_t cudaMemset(void* data, int value, std::size_t bytes) {
  if (const cudaError_t error = check_caller(); error != cudaSuccess) return error;
  return cudaMemsetAsync(data, value, bytes, nullptr);
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* data) {
  *attributes = {};
  const auto allocation = allocation_at(data);
  if (!allocation) return cudaSuccess;  // type cudaMemoryTypeUnregistered
  attributes->type = allocation->type == MemoryType::device ? cudaMemoryTypeDevice : cudaMemoryTypeHost;
  attributes->device = allocation->device;
  attributes->devicePointer = const_cast<void*>(data);
  attributes->hostPointer = allocation->type == MemoryType::pinned ? attributes->devicePointer : nullptr;
  return cudaSuccess;
}
