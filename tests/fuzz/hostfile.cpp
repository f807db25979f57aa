// A hostfile. Names that are accepted reach mpirun as one word with nothing in it that anybody could take for
// more.
#include "kernels/base/error.hpp"
#include "launch/process/launcher.hpp"
#include "tests/fuzz/target.hpp"

#include <string>
#include <vector>

namespace launch = eightfold::launch;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<eightfold::launch::process::Host> hosts;
  const std::string_view text = eightfold::fuzz::text_of({data, size});
  if (!eightfold::fuzz::accepts(eightfold::fuzz::tree_of(size),
                                [&] { hosts = eightfold::launch::process::parse_hostfile(text, "hosts"); }))
    return 0;
  const auto nodes = static_cast<int>(hosts.size());
  const eightfold::launch::process::Launcher launcher{
      eightfold::launch::process::LauncherKind::mpirun, std::move(hosts), {}, {}, {}};
  const std::vector<std::string> words = launcher.command(nodes, 1, {"program"});
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:,";
  eightfold::base::require(words.at(2).find_first_not_of(kPlain) == std::string::npos && words[2][0] != '-',
                           "mpirun --host {}", words[2]);
  return 0;
}
