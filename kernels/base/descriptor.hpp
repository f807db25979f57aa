#pragma once

// The one owner of a file descriptor.

#include <unistd.h>

#include <utility>

namespace eightfold::base {

class Descriptor {
 public:
  // Takes a result of open(2) or a similar call; -1, a failure, owns nothing.
  explicit Descriptor(int number = -1) noexcept : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      number_ = other.release();
    }
    return *this;
  }

  bool is_open() const noexcept { return number_ >= 0; }
  int get() const noexcept { return number_; }
  // From here on somebody else's to close.
  int release() noexcept { return std::exchange(number_, -1); }
  void close() noexcept {
    if (is_open()) ::close(release());
  }

 private:
  int number_;
};

}  // namespace eightfold::base
