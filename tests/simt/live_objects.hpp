#pragma once

// The objects of the runtime that are alive, and where they were made. A program that ends with some of them
// lists them and fails. CTest runs each test case as a program of its own, so that names the test that
// leaked.

namespace eightfold::simt {

enum class Live { streams, events, device_memory, pinned_memory };

struct LiveObjects {
  int streams = 0;
  int events = 0;
  int device_memory = 0;  // allocations
  int pinned_memory = 0;

  friend bool operator==(const LiveObjects&, const LiveObjects&) = default;
};
LiveObjects live_objects();

// For those who make and destroy them.
void add_live(Live what, const void* object);
void remove_live(const void* object);

}  // namespace eightfold::simt
