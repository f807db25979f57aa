#pragma once

// Streams and events: the order of work on a device. Whatever enqueues takes a StreamView and returns before
// the work is done. On the host a stream runs its work inline, in the calling thread. Enqueueing is doing,
// and an event is reached as soon as it is recorded.
//
// A stream waits only for an event that is recorded already, never for a host thread (docs/streams.md).

#include "kernels/device.hpp"

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
  // True if the mark is reached. Never waits.
  bool is_reached() const;
  // From `earlier` to this. Requires: both timed, recorded and reached.
  double seconds_since(const Event& earlier) const;

 private:
  Device device_;
  void* handle_;
};

}  // namespace eightfold::kernels
