#include "tests/simt/fiber.hpp"

#include "tests/simt/sanitizers.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

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

}  // namespace

Fiber::Fiber() : mapping_(map_stack()), tsan_fiber_(sanitizer::create_fiber()) {
  ::getcontext(&here_);
  here_.uc_stack.ss_sp = static_cast<char*>(mapping_) + kPage;
  here_.uc_stack.ss_size = kStackBytes;
  here_.uc_link = nullptr;
  const auto self = reinterpret_cast<std::uintptr_t>(this);  // makecontext passes nothing wider than int
  ::makecontext(&here_, reinterpret_cast<void (*)()>(&Fiber::enter), 2, static_cast<unsigned>(self >> 32),
                static_cast<unsigned>(self));
  here_.uc_stack = {};  // or AddressSanitizer would clear its marks of the whole stack at each switch
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
  switch_back(false);
}

void Fiber::enter(unsigned high, unsigned low) {
  const std::uintptr_t self = static_cast<std::uintptr_t>(high) << 32 | low;
  reinterpret_cast<Fiber*>(self)->run_bodies();  // NOLINT(performance-no-int-to-ptr)
}

void Fiber::run_bodies() {
  sanitizer::finish_switch(nullptr, &caller_stack_, &caller_stack_bytes_);
  while (!is_leaving_) {
    body_(argument_);
    switch_back(false);
  }
  switch_back(true);
}

void Fiber::switch_to_body() {
  tsan_caller_ = sanitizer::current_fiber();
  sanitizer::start_switch(&caller_fake_stack_, static_cast<char*>(mapping_) + kPage, kStackBytes);
  sanitizer::switch_to_fiber(tsan_fiber_);
  ::swapcontext(&caller_, &here_);
  sanitizer::finish_switch(caller_fake_stack_, nullptr, nullptr);
}

void Fiber::switch_back(bool for_ever) {
  sanitizer::start_switch(for_ever ? nullptr : &fake_stack_, caller_stack_, caller_stack_bytes_);
  sanitizer::switch_to_fiber(tsan_caller_);
  ::swapcontext(&here_, &caller_);
  sanitizer::finish_switch(fake_stack_, &caller_stack_, &caller_stack_bytes_);
}

}  // namespace eightfold::simt
