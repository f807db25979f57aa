#pragma once

// The names of our keys and choices in other programs. A message may suggest what was meant; none of these
// words is ever accepted.

#include <string>
#include <string_view>
#include <vector>

namespace eightfold::runtime::config {

// Words in lower case, without '_', '-' and blanks.
struct Alias {
  std::string_view name;  // of a key, "optimizer.learning_rate", or a section
  std::vector<std::string_view> words;
};
struct ChoiceAlias {
  std::string_view key;
  std::string_view choice;
  std::vector<std::string_view> words;
};
const std::vector<Alias>& aliases();
const std::vector<ChoiceAlias>& choice_aliases();

// The full names of the keys and sections that `word` may mean, the likeliest first:
// "optimizer.learning_rate" for "lr". Case, '_', '-' and blanks do not count.
std::vector<std::string_view> meanings(std::string_view word);

// The choice of a key, such as "optimizer.kind" or "model.layer[2].kind", that `word` may mean; empty if
// there is none: "adamw" for "adam".
std::string_view choice_meant(std::string_view full_name, std::string_view word);

}  // namespace eightfold::runtime::config
