#include "tests/simt/fiber.hpp"

#include "tests/simt/sanitizers.hpp"

#include <boost/context/preallocated.hpp>
#include <sys/mman.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

namespace eightfold::simt {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kStackBytes = std::size_t{256} * 1024;  // touched pages count, not this

void* map_stack() {
  void* mapping = ::mmap(nullptr, kPage + kStackBytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (mapping == MAP_FAILED || ::mprotect(mapping, kPage, PROT_NONE) != 0)
    throw std::system_error(errno, std::generic_category(), "the stack of a fiber");
  return mapping;
}

// The stack is the fiber's own.
struct NoAllocator {
  void deallocate(const boost::context::stack_context&) noexcept {}
};

}  // namespace

Fiber::Fiber() : mapping_(map_stack()), tsan_fiber_(sanitizer::create_fiber()) {
  boost::context::stack_context stack;
  stack.size = kStackBytes;
  stack.sp = static_cast<char*>(mapping_) + kPage + kStackBytes;
  here_ = boost::context::fiber(std::allocator_arg, boost::context::preallocated(stack.sp, stack.size, stack),
                                NoAllocator{}, [this](boost::context::fiber&& caller) {
                                  caller_ = std::move(caller);
                                  run_bodies();
                                  return std::move(caller_);
                                });
}

Fiber::~Fiber() {
  is_leaving_ = true;
  switch_to_body();  // so that AddressSanitizer lets go of what it keeps for this stack
  sanitizer::destroy_fiber(tsan_fiber_);
  sanitizer::unpoison(mapping_, kPage + kStackBytes);
  ::munmap(mapping_, kPage + kStackBytes);
}

void Fiber::start(Body body, void* argument) {
  body_ = body;
  argument_ = argument;
  resume();
}

void Fiber::resume() {
  switch_to_body();
}

void Fiber::suspend() {
  switch_back();
}

void Fiber::run_bodies() {
  sanitizer::finish_switch(nullptr, &caller_stack_, &caller_stack_bytes_);
  while (!is_leaving_) {
    body_(argument_);
    switch_back();
  }
  announce_return(true);
}

void Fiber::switch_to_body() {
  tsan_caller_ = sanitizer::current_fiber();
  sanitizer::start_switch(&caller_fake_stack_, static_cast<char*>(mapping_) + kPage, kStackBytes);
  sanitizer::switch_to_fiber(tsan_fiber_);
  here_ = std::move(here_).resume();
  sanitizer::finish_switch(caller_fake_stack_, nullptr, nullptr);
}

void Fiber::switch_back() {
  announce_return(false);
  caller_ = std::move(caller_).resume();
  sanitizer::finish_switch(fake_stack_, &caller_stack_, &caller_stack_bytes_);
}

void Fiber::announce_return(bool for_ever) {
  sanitizer::start_switch(for_ever ? nullptr : &fake_stack_, caller_stack_, caller_stack_bytes_);
  sanitizer::switch_to_fiber(tsan_caller_);
}

}  // namespace eightfold::simt
