#pragma once

// Paths that users write where no shell has read them: in job files, behind --set KEY=, in quotes.

#include <string>
#include <string_view>

namespace eightfold::base {

// What a path stands for, or why it stands for nothing.
struct ExpandedPath {
  std::string path;
  std::string problem;  // in words, empty if there is none
};

// `~/` and `~` at the beginning become the home directory, `$NAME` and `${NAME}` the variable of the
// environment, which has to be set and not empty; `$$` becomes a dollar sign. Every other dollar sign and `~`
// at the beginning is refused. A text without them stays as it is.
ExpandedPath expand_path(std::string_view text);

// The text that expand_path turns into this path: for paths that are handed on as text.
std::string literal_path(std::string_view path);

}  // namespace eightfold::base
