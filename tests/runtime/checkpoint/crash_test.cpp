// A writer that is killed: before its first system call, before its second, and so on to the end. Whatever it
// had done by then, the newest checkpoint is whole, and the next writer finds its way.
#include "runtime/checkpoint/store.hpp"
#include "tests/runtime/checkpoint/stores.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>

using namespace eightfold;
using namespace eightfold::runtime::checkpoint;

namespace fs = std::filesystem;

namespace {

enum class End { finished, killed, not_traced };

// Calls that change nothing but the process's own memory. An allocator, above all a sanitizer's, makes them
// when it likes. Counted, they would shift the others from run to run, and a moment between two of these be
// missed.
bool is_about_memory(std::uint64_t call) {
  constexpr std::array<std::uint64_t, 7> kCalls = {SYS_brk,      SYS_mmap,    SYS_munmap, SYS_mremap,
                                                   SYS_mprotect, SYS_madvise, SYS_futex};
  return std::ranges::find(kCalls, call) != kCalls.end();
}

// True if a stopped child is entering a system call that counts.
bool enters_call(pid_t child) {
  __ptrace_syscall_info info{};
  if (::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) <= 0) return false;
  return info.op == PTRACE_SYSCALL_INFO_ENTRY && !is_about_memory(info.entry.nr);
}

// Runs `action` in a child and kills it as it enters its system call number `calls` (from 0).
End run_until(int calls, const std::function<void()>& action) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(2);
    ::raise(SIGSTOP);
    action();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD);  // tells calls from signals
  for (int entered = 0; WIFSTOPPED(status);) {
    if (enters_call(child) && entered++ == calls) ::kill(child, SIGKILL);
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    ::waitpid(child, &status, 0);
  }
  if (WIFSIGNALED(status)) return End::killed;
  return WEXITSTATUS(status) == 2 ? End::not_traced : End::finished;
}

bool can_trace() {
  return run_until(1 << 30, [] {}) == End::finished;
}

// Where a thousand syncs take no time.
fs::path in_memory() {
  return fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
}

// Kills a writer of `step` at every one of its system calls, each time in a fresh store with steps 1 and 2,
// and counts how often `check` was asked.
int kill_at_every_call(
    std::int64_t step, const std::function<void(const fs::path& store)>& check,
    const std::function<void()>& prepare = [] {}) {
  const test::Scratch scratch(in_memory());
  for (const std::int64_t before : {1, 2}) save_step(scratch / "before", before);
  for (int calls = 0;; ++calls) {
    fs::remove_all(scratch / "store");
    fs::copy(scratch / "before", scratch / "store", fs::copy_options::recursive);
    const End end = run_until(calls, [&] {
      prepare();
      save_step(scratch / "store", step);
    });
    INFO("killed at system call " << calls);
    check(scratch / "store");
    if (end == End::finished) return calls;
  }
}

// In this process no names are exchanged from now on, as on NFS: the system refuses renameat2, which nothing
// else here calls. False where it does not let itself be told so.
bool forbid_exchange() {
  std::array<sock_filter, 4> rules = {{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 1),
                                       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
                                       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
  const sock_fprog program{rules.size(), rules.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool can_forbid_exchange() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(forbid_exchange() ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool has_leftovers(const fs::path& store) {
  return std::any_of(fs::directory_iterator(store), fs::directory_iterator(),
                     [](const auto& entry) { return entry.path().filename().string().starts_with(".tmp-"); });
}

}  // namespace

TEST_CASE("a writer killed at any system call leaves a whole newest checkpoint, and the next one cleans up") {
  if (!can_trace()) {
    WARN("skipped: this machine does not let a process trace its child");
    return;
  }
  bool saw_old = false, saw_new = false, saw_leftovers = false;
  const int calls = kill_at_every_call(3, [&](const fs::path& store) {
    const std::optional<Found> found = newest(store);
    REQUIRE(found);
    const std::int64_t step = found->manifest.step;
    CHECK((step == 2 || step == 3));
    CHECK(holds_step(found->directory, step));
    (step == 2 ? saw_old : saw_new) = true;
    saw_leftovers = saw_leftovers || has_leftovers(store);
    save_step(store, 4);
    CHECK(newest(store)->manifest.step == 4);
    CHECK_FALSE(has_leftovers(store));
  });
  CHECK(saw_old);
  CHECK(saw_new);
  CHECK(saw_leftovers);
  INFO(calls);
  CHECK(calls > 20);  // three files and a manifest cannot be written, synced and renamed with fewer
}

TEST_CASE("a writer killed at any system call while it replaces a step leaves that step or the one before") {
  if (!can_trace()) {
    WARN("skipped: this machine does not let a process trace its child");
    return;
  }
  kill_at_every_call(2, [&](const fs::path& store) {
    const std::optional<Found> found = newest(store);
    REQUIRE(found);
    CHECK(found->manifest.step >= 1);
    CHECK(holds_step(found->directory, found->manifest.step));
  });
}

TEST_CASE(
    "a writer killed where names cannot be exchanged loses no step, though its name is gone for a moment") {
  if (!can_trace() || !can_forbid_exchange()) {
    WARN("skipped: this machine does not let a process trace its child or filter its own calls");
    return;
  }
  bool saw_no_name = false;
  kill_at_every_call(
      2,
      [&](const fs::path& store) {
        REQUIRE(newest(store));
        saw_no_name = saw_no_name || newest(store)->manifest.step == 1;
        const Store next(store);
        REQUIRE(newest(store)->manifest.step == 2);
        CHECK(holds_step(newest(store)->directory, 2));
      },
      [] { forbid_exchange(); });
  CHECK(saw_no_name);
}
