#include "kernels/base/file_lock.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/file.hpp"

#include <sys/file.h>

#include <cerrno>
#include <cstring>

namespace eightfold::base {
Lock try_lock(const Descriptor& descriptor, Sharing sharing, const std::filesystem::path& path) {
  const int operation = (sharing == Sharing::exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB;
  while (::flock(descriptor.get(), operation) != 0) {
    const int code = errno;
    if (code == EINTR) continue;
    if (code == EWOULDBLOCK) return Lock::held;
    if (is_unsupported(code)) return Lock::unsupported;
    raise<EnvironmentError>("cannot lock {}: {}", path.string(), std::strerror(code));
  }
  return Lock::taken;
}

}  // namespace eightfold::base
