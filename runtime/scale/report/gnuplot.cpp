#include "runtime/scale/report/gnuplot.hpp"

#include "kernels/base/descriptor.hpp"
#include "kernels/base/error.hpp"
#include "runtime/scale/report/html.hpp"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <regex>

namespace eightfold::runtime::scale::report {
namespace {

// A file in memory, without a name: what a child reads or writes, so that nobody waits for a pipe.
class Memory {
 public:
  Memory() : descriptor_(::memfd_create("gnuplot", MFD_CLOEXEC)) {
    if (!descriptor_.is_open())
      base::raise<base::EnvironmentError>("cannot make a file in memory: {}", std::strerror(errno));
  }

  int descriptor() const noexcept { return descriptor_.get(); }

  void put(std::string_view text) const {
    for (std::size_t done = 0; done < text.size();) {
      const ssize_t wrote =
          ::pwrite(descriptor_.get(), text.data() + done, text.size() - done, static_cast<off_t>(done));
      if (wrote <= 0) base::raise<base::EnvironmentError>("cannot write to memory: {}", std::strerror(errno));
      done += static_cast<std::size_t>(wrote);
    }
  }

  std::string text() const {
    std::string text;
    std::array<char, 65536> part;
    for (ssize_t got = 0;
         (got = ::pread(descriptor_.get(), part.data(), part.size(), static_cast<off_t>(text.size()))) > 0;)
      text.append(part.data(), static_cast<std::size_t>(got));
    return text;
  }

 private:
  base::Descriptor descriptor_;
};

// Its status as waitpid tells it.
int run(const Memory& in, const Memory& out, const Memory& err) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.descriptor(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out.descriptor(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err.descriptor(), STDERR_FILENO);
  std::array<std::string, 3> words = {"gnuplot", "--default-settings", "-"};
  std::array<char*, 4> arguments = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t child = -1;
  const int code = ::posix_spawnp(&child, "gnuplot", &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (code == ENOENT)
    base::raise<base::EnvironmentError>(
        "gnuplot, which draws the plots, is not installed: apt-get install gnuplot-nox");
  if (code != 0) base::raise<base::EnvironmentError>("cannot start gnuplot: {}", std::strerror(code));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) base::raise<base::EnvironmentError>("lost gnuplot: {}", std::strerror(errno));
  return status;
}

}  // namespace

std::string gnuplot_text(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'')
      quoted += "''";
    else
      quoted += static_cast<unsigned char>(c) < ' ' || c == '\x7F' ? ' ' : c;
  }
  return quoted + "'";
}

std::string run_gnuplot(const std::string& script) {
  const Memory in, out, err;
  in.put(script);
  const int status = run(in, out, err);
  std::string document = out.text();
  if (status != 0 || document.find("</svg>") == std::string::npos)
    base::raise<base::EnvironmentError>("gnuplot could not draw a plot (status {}): {}", status, err.text());
  return document;
}

std::string inline_svg(std::string_view document, std::string_view prefix, std::string_view description) {
  static const std::regex kSize("viewBox=\"([0-9 ]+)\"");
  static const std::regex kNames("(\\bid=['\"]|href=['\"]#|url\\(#)");
  static const std::regex kTitles("<title>[^<]*</title>|<desc>[^<]*</desc>");
  const std::string text(document);
  std::smatch size;
  const std::size_t body = text.find("<g id=\"gnuplot_canvas\"");
  if (!std::regex_search(text, size, kSize) || body == std::string::npos)
    base::raise<base::EnvironmentError>("gnuplot wrote an SVG file of an unknown form");
  const std::string plain = std::regex_replace(text.substr(body), kTitles, "");
  return fmt::format("<svg viewBox=\"{}\" role=\"img\" aria-label=\"{}\">\n{}", size[1].str(),
                     html_text(description), std::regex_replace(plain, kNames, fmt::format("$1{}", prefix)));
}

}  // namespace eightfold::runtime::scale::report
