// The functions of the CUDA runtime that this repository calls, as the toolkit declares them; those for
// memory are in memory_api.cpp. A function that is missing fails to link: add it, with the errors of the
// original.

#include "tests/simt/deadlock.hpp"
#include "tests/simt/devices.hpp"
#include "tests/simt/event.hpp"
#include "tests/simt/host_functions.hpp"
#include "tests/simt/live_objects.hpp"
#include "tests/simt/memory.hpp"
#include "tests/simt/runtime_lock.hpp"

#include <cuda_runtime_api.h>

#include <chrono>
#include <cstdio>
#include <string>

using namespace eightfold::simt;

// ---- Errors.

namespace {

struct Error {
  cudaError_t code;
  const char *name, *text;
};
#define SIMT_ERROR(code, text) \
  Error {                      \
    code, #code, text          \
  }
constexpr Error kErrors[] = {
    SIMT_ERROR(cudaSuccess, "no error"),
    SIMT_ERROR(cudaErrorInvalidValue, "invalid argument"),
    SIMT_ERROR(cudaErrorMemoryAllocation, "out of memory"),
    SIMT_ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    SIMT_ERROR(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"),
    SIMT_ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    SIMT_ERROR(cudaErrorInvalidDevice, "invalid device ordinal"),
    SIMT_ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    SIMT_ERROR(cudaErrorNotReady, "device not ready"),
    SIMT_ERROR(cudaErrorDeviceUninitialized, "invalid device context"),
    SIMT_ERROR(cudaErrorLaunchFailure, "unspecified launch failure"),
    SIMT_ERROR(cudaErrorNotPermitted, "operation not permitted"),
    SIMT_ERROR(cudaErrorNotSupported, "operation not supported"),
};
#undef SIMT_ERROR

Error described(cudaError_t code) {
  for (const Error& error : kErrors)
    if (error.code == code) return error;
  return {code, "unrecognized error code", "unrecognized error code"};
}

}  // namespace

const char* cudaGetErrorName(cudaError_t code) {
  return described(code).name;
}

// A failed kernel's own words, where a GPU has nothing more to say.
const char* cudaGetErrorString(cudaError_t code) {
  const bool has_words = code == cudaErrorLaunchFailure && *last_failure() != '\0';
  return has_words ? last_failure() : described(code).text;
}

cudaError_t cudaGetLastError() {
  return take_last_error();
}

cudaError_t cudaPeekAtLastError() {
  return last_error();
}

// ---- Devices.

cudaError_t cudaGetDeviceCount(int* count) {
  *count = settings().devices;
  return remember(*count > 0 ? cudaSuccess : cudaErrorNoDevice);
}

cudaError_t cudaGetDevice(int* device) {
  *device = current_device();
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  if (!is_device(device)) return remember(cudaErrorInvalidDevice);
  set_current_device(device);
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (!is_device(device)) return remember(cudaErrorInvalidDevice);
  *properties = {};
  std::snprintf(properties->name, sizeof properties->name, "interpreted device %d", device);
  properties->totalGlobalMem = kDeviceBytes;
  properties->multiProcessorCount = kMultiprocessors;
  properties->warpSize = 32;
  properties->maxThreadsPerBlock = 1024;
  properties->maxThreadsPerMultiProcessor = 2048;
  properties->major = 8;
  properties->minor = 0;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char* address, int length, int device) {
  if (!is_device(device)) return remember(cudaErrorInvalidDevice);
  std::snprintf(address, static_cast<std::size_t>(length), "0000:%02X:00.0", device + 1);
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp properties;
  if (const cudaError_t error = cudaGetDeviceProperties(&properties, device); error != cudaSuccess)
    return error;
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      *value = properties.multiProcessorCount;
      return cudaSuccess;
    case cudaDevAttrMaxThreadsPerBlock:
      *value = properties.maxThreadsPerBlock;
      return cudaSuccess;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = properties.maxThreadsPerMultiProcessor;
      return cudaSuccess;
    case cudaDevAttrWarpSize:
      *value = properties.warpSize;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      *value = properties.major;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      *value = properties.minor;
      return cudaSuccess;
    default:
      return remember(cudaErrorInvalidValue);
  }
}

cudaError_t cudaDeviceSynchronize() {
  if (const cudaError_t error = check_caller(); error != cudaSuccess) return error;
  return remember(synchronize_device(current_device(), {"cudaDeviceSynchronize", "the device"}));
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  if (const cudaError_t error = check_caller(); error != cudaSuccess) return error;
  *free = free_bytes(current_device());
  *total = kDeviceBytes;
  return cudaSuccess;
}

// ---- Streams. The waits of one that blocks for the null stream are not modelled, so there is none.

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  if (const cudaError_t error = check_caller(); error != cudaSuccess) return error;
  if (!is_device(current_device())) return remember(cudaErrorNoDevice);
  if (flags != cudaStreamNonBlocking) return remember(cudaErrorNotSupported);
  *stream = create_stream();
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
  if (const cudaError_t error = check_caller(); error != cudaSuccess) return error;
  return cudaStreamCreateWithFlags(stream, flags);
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = *greatest = 0;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  if (const cudaError_t error = check_caller(); error != cudaSuccess) return error;
  return remember(destroy_stream(stream) ? cudaSuccess : cudaErrorInvalidResourceHandle);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (const cudaError_t error = find(stream); error != cudaSuccess) return error;
  return remember(stream->synchronize({"cudaStreamSynchronize", "the stream"}));
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  if (const cudaError_t error = find(stream); error != cudaSuccess) return error;
  return remember(stream->query());
}

cudaError_t cudaStreamGetDevice(cudaStream_t stream, int* device) {
  if (const cudaError_t error = find(stream); error != cudaSuccess) return error;
  *device = stream->device();
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (const cudaError_t error = find(stream); error != cudaSuccess) return error;
  if (event == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (auto mark = event->mark()) stream->wait(std::move(mark));
  return cudaSuccess;
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* data) {
  if (const cudaError_t error = find(stream); error != cudaSuccess) return error;
  const RuntimeLock lock("cudaLaunchHostFunc");
  stream->enqueue(Kind::host_function, [=] { run_host_function(function, data); });
  return cudaSuccess;
}

// ---- Events.

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  if (const cudaError_t error = check_caller(); error != cudaSuccess) return error;
  if (!is_device(current_device())) return remember(cudaErrorNoDevice);
  *event = new CUevent_st(current_device(), (flags & cudaEventDisableTiming) == 0);
  add_live(Live::events, *event);
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  if (const cudaError_t error = check_caller(); error != cudaSuccess) return error;
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  if (const cudaError_t error = check_caller(); error != cudaSuccess) return error;
  if (event == nullptr) return remember(cudaErrorInvalidResourceHandle);
  remove_live(event);
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (const cudaError_t error = find(stream); error != cudaSuccess) return error;
  if (event == nullptr || event->device() != stream->device())
    return remember(cudaErrorInvalidResourceHandle);
  event->set(stream->mark());
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (const cudaError_t error = check_caller(); error != cudaSuccess) return error;
  if (event == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (const auto mark = event->mark()) {
    const HostWait waiting({"cudaEventSynchronize", "the event"}, [&] { return mark->is_passed(); });
    mark->wait();
  }
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (const cudaError_t error = check_caller(); error != cudaSuccess) return error;
  if (event == nullptr) return remember(cudaErrorInvalidResourceHandle);
  const auto mark = event->mark();
  if (!mark || mark->is_passed()) return cudaSuccess;
  note_not_ready();
  return cudaErrorNotReady;
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  if (const cudaError_t error = check_caller(); error != cudaSuccess) return error;
  if (start == nullptr || end == nullptr || !start->has_time() || !end->has_time() || !start->mark() ||
      !end->mark())
    return remember(cudaErrorInvalidResourceHandle);
  if (!start->mark()->is_passed() || !end->mark()->is_passed()) return cudaErrorNotReady;
  const std::chrono::duration<float, std::milli> time = end->mark()->passed_at() - start->mark()->passed_at();
  *milliseconds = time.count();
  return cudaSuccess;
}
