#include "kernels/base/path.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>

namespace eightfold::base {
namespace {

bool is_in_name(char c, bool is_first) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!is_first && c >= '0' && c <= '9');
}

// Empty if it is unknown.
std::string home() {
  if (const char* variable = std::getenv("HOME"); variable != nullptr && *variable != '\0') return variable;
  const passwd* user = ::getpwuid(::getuid());
  return user != nullptr && user->pw_dir != nullptr ? user->pw_dir : "";
}

// The name of the variable that begins behind the dollar sign at `at`, with its braces; empty if there is
// none.
std::string_view variable_at(std::string_view text, std::size_t at) {
  const bool has_brace = text.substr(at + 1).starts_with('{');
  const std::size_t begin = at + (has_brace ? 2 : 1);
  std::size_t end = begin;
  while (end < text.size() && is_in_name(text[end], end == begin)) ++end;
  if (end == begin || (has_brace && !text.substr(end).starts_with('}'))) return {};
  return text.substr(at + 1, end + (has_brace ? 1 : 0) - at - 1);
}

ExpandedPath problem(std::string text) {
  return {{}, std::move(text)};
}

}  // namespace

ExpandedPath expand_path(std::string_view text) {
  std::string path;
  if (text.starts_with('~')) {
    if (text.size() > 1 && text[1] != '/')
      return problem("~ stands for your own home alone; a name that begins with it is written ./~");
    path = home();
    if (path.empty()) return problem("~ stands for a home that is not known: HOME is not set");
    text.remove_prefix(1);
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '$') {
      path += text[at];
    } else if (text.substr(at + 1).starts_with('$')) {
      path += text[++at];
    } else {
      const std::string_view written = variable_at(text, at);
      if (written.empty()) return problem("$ stands before the name of a variable; a dollar sign is $$");
      const bool has_braces = written.front() == '{';
      const std::string name(has_braces ? written.substr(1, written.size() - 2) : written);
      const char* value = std::getenv(name.c_str());
      if (value == nullptr || *value == '\0')
        return problem(fmt::format("${} is {}; a dollar sign is $$", name, value ? "empty" : "not set"));
      path += value;
      at += written.size();
    }
  }
  return {path, {}};
}

std::string literal_path(std::string_view path) {
  std::string text = path.starts_with('~') ? "./" : "";
  for (const char c : path) text += c == '$' ? std::string("$$") : std::string(1, c);
  return text;
}

}  // namespace eightfold::base
