#include "runtime/config/limits.hpp"

#include "kernels/base/error.hpp"

#include <algorithm>

namespace eightfold::runtime::config {
namespace {

// Finds the brackets and dots of a TOML text that stand outside strings and comments.
class NestingScanner {
 public:
  NestingScanner(std::string_view text, std::string_view source) : text_(text), source_(source) {}

  void run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        skip_to(text_.find('\n', at_));
      } else if (c == '"' || c == '\'') {
        skip_string(c);
      } else {
        count(c);
        ++at_;
      }
    }
  }

 private:
  void skip_to(std::size_t position) { at_ = std::min(position, text_.size()); }

  void skip_string(char quote) {
    const bool multi_line = text_.substr(at_, 3) == std::string(3, quote);
    at_ += multi_line ? 3 : 1;
    for (; at_ < text_.size(); ++at_) {
      if (quote == '"' && text_[at_] == '\\') {
        ++at_;
      } else if (!multi_line && (text_[at_] == quote || text_[at_] == '\n')) {
        ++at_;
        return;
      } else if (multi_line && text_.substr(at_, 3) == std::string(3, quote)) {
        skip_to(text_.find_first_not_of(quote, at_));  // the string may end in quotes of its own
        return;
      }
    }
    skip_to(at_);
  }

  void count(char c) {
    if (c == '[' || c == '{') ++open_;
    if ((c == ']' || c == '}') && open_ > 0) --open_;
    if (c == '.') ++dots_;
    if (c == '=' || c == ',' || c == '\n' || c == '[' || c == '{') dots_ = 0;
    if (open_ <= kDeepestNesting && dots_ < kDeepestNesting) return;
    const auto line = 1 + std::ranges::count(text_.substr(0, at_), '\n');
    base::raise<base::ConfigError>("{}:{}: nested too deeply; allowed: {} levels", source_, line,
                                   kDeepestNesting);
  }

  std::string_view text_;
  std::string_view source_;
  std::size_t at_ = 0;
  int open_ = 0;
  int dots_ = 0;
};

}  // namespace

void check_limits(std::string_view text, std::string_view source) {
  if (text.size() > kLargestFile)
    base::raise<base::ConfigError>("{}: {} bytes are too many for a TOML file; allowed: {}", source,
                                   text.size(), kLargestFile);
  NestingScanner(text, source).run();
}

}  // namespace eightfold::runtime::config
