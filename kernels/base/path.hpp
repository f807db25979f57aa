#pragma once

// Paths that users write where no shell has read them: in job files, behind --set KEY=, in quotes.

#include <string>
#include <string_view>

namespace eightfold::base {

// An expanded path, or the reason why it cannot be expanded.
struct ExpandedPath {
  std::string path;
  std::string problem;  // in words, empty if there is none
};

// `~/` and `~` at the beginning become the home directory, `$$` a dollar sign. `$NAME` and `${NAME}` become
// the environment variable, which has to be set and not empty. Every other dollar sign and `~` at the
// beginning is refused. A text without them stays as it is.
ExpandedPath expand_path(std::string_view text);

// The text that expand_path turns into this path: for paths that are handed on as text.
std::string literal_path(std::string_view path);

}  // namespace eightfold::base
