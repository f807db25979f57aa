#pragma once

// Streams and events: the order of work on a device. Whatever enqueues takes a StreamView and returns before
// the work is done. On the host a stream runs its work inline, in the calling thread. Enqueueing is doing,
// and an event is reached as soon as it is recorded.

#include "kernels/device.hpp"

#include <memory>
#include <semaphore>
#include <utility>

namespace eightfold::kernels {

// Names a stream without owning it. Copied freely; valid as long as its Stream.
class StreamView {
 public:
  StreamView(Device device, void* handle) : device_(device), handle_(handle) {}

  Device device() const noexcept { return device_; }
  // The backend's own handle (cudaStream_t); null on the host.
  void* handle() const noexcept { return handle_; }
  // The calling thread waits until everything enqueued so far is done. Throws what the work failed with.
  void synchronize() const;

 private:
  Device device_;
  void* handle_;
};

// Whose blocks a device starts first where several streams have work: those of `high`. A kernel that already
// has blocks on the device keeps them.
enum class Priority { ordinary, high };

// Owns a stream. Destroying it waits for nothing: its work must be done or its memory outlive it.
class Stream {
 public:
  explicit Stream(Device device, Priority priority = Priority::ordinary);
  ~Stream();
  Stream(Stream&& other) noexcept : device_(other.device_), handle_(std::exchange(other.handle_, nullptr)) {}
  Stream& operator=(Stream&&) = delete;
  Stream(const Stream&) = delete;  // one owner: two would destroy the handle twice

  StreamView view() const noexcept { return {device_, handle_}; }
  operator StreamView() const noexcept { return view(); }  // NOLINT(google-explicit-constructor)

 private:
  Device device_;
  void* handle_;
};

// What an event is for besides ordering streams; each costs the device a little more.
enum class EventKind {
  order,
  slept_on,  // a thread that waits for it sleeps, and an interrupt of the device wakes it
  timed      // seconds_since() is known
};

// A point in a stream's work that other streams and the host can wait for. Never recorded counts as reached.
class Event {
 public:
  explicit Event(Device device, EventKind kind = EventKind::order);
  ~Event();
  Event(Event&& other) noexcept : device_(other.device_), handle_(std::exchange(other.handle_, nullptr)) {}
  Event& operator=(Event&&) = delete;
  Event(const Event&) = delete;  // one owner

  // Marks the end of what is enqueued on `stream` now; replaces an earlier mark.
  void record(StreamView stream);
  // Work enqueued on `stream` from now on starts after the mark. Does not block the calling thread.
  void wait(StreamView stream) const;
  // The calling thread waits for the mark: it polls, unless the event is one to be slept on.
  void synchronize() const;
  // Whether the mark is reached. Never waits.
  bool is_reached() const;
  // From `earlier` to this. Requires: both timed, recorded and reached.
  double seconds_since(const Event& earlier) const;

 private:
  Device device_;
  void* handle_;
};

// A semaphore between host threads and streams: a stream waits until a host thread signals. So work of the
// host takes its place among that of a device, and the host does not wait for the device. Every wait() takes
// one signal(), in any order of the two. On the host wait() itself blocks.
//
// The gate outlives the streams' waits. A stream whose gate is never signalled never ends.
class StreamGate {
 public:
  StreamGate() : signals_(std::make_unique<std::counting_semaphore<>>(0)) {}

  // Work enqueued on `stream` from now on starts after one more signal().
  void wait(StreamView stream);
  // From any thread.
  void signal() { signals_->release(); }

 private:
  std::unique_ptr<std::counting_semaphore<>> signals_;  // a fixed address: streams refer to it
};

}  // namespace eightfold::kernels
