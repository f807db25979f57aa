#include "runtime/config/limits.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>

#include <string>

using namespace eightfold;
using runtime::config::check_limits;

namespace {

std::string repeated(const std::string& piece, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += piece;
  return text;
}

}  // namespace

TEST_CASE("brackets and dotted keys may nest sixteen deep and no deeper") {
  CHECK_NOTHROW(check_limits(fmt::format("x = {}{}", repeated("[", 16), repeated("]", 16)), "f"));
  CHECK_THROWS_WITH(check_limits(fmt::format("\nx = {}", repeated("[", 17)), "f"),
                    "f:2: nested too deeply; allowed: 16 levels");
  CHECK_NOTHROW(check_limits(fmt::format("[{}a]", repeated("a.", 15)), "f"));
  for (const std::string& deeper :
       {fmt::format("x = {}", repeated("{a=", 17)), fmt::format("[{}a]", repeated("a.", 16)),
        fmt::format("{}a = 1", repeated("\"a\".", 16)), fmt::format("x = {{{}a = 1}}", repeated("a.", 16))})
    CHECK_THROWS_AS(check_limits(deeper, "f"), base::ConfigError);
}

TEST_CASE("depth does not add up over things that stand side by side") {
  CHECK_NOTHROW(check_limits(repeated("[[a.b]]\nx = [1.5, 2.5, 3.5]\n", 100), "f"));
}

TEST_CASE("strings and comments may hold any number of brackets and dots") {
  const std::string deep = repeated("[.", 40);
  for (const std::string& text :
       {fmt::format("# {}", deep), fmt::format("x = \"{}\"", deep), fmt::format("x = '{}'", deep),
        fmt::format("x = \"\"\"\n{}\"\n\"\"\"", deep), fmt::format("x = \'\'\'\n{}'\n\'\'\'", deep),
        fmt::format("x = \"\\\"{}\"", deep), fmt::format("x = \"\"\"\\\"\"\"{}\"\"\"", deep)})
    CHECK_NOTHROW(check_limits(text, "f"));
}

TEST_CASE("what follows a string is looked at again") {
  const std::string deep = repeated("[", 17);
  for (const std::string start :
       {"\"a\"", "'a\\'", "\"\"", "\"\"\"a\"\"\"", "\"\"\"a\"\"\"\"\"", "'''a''''", "\"\\\\\"", "\"open\n"})
    CHECK_THROWS_AS(check_limits(fmt::format("x = {}{}", start, deep), "f"), base::ConfigError);
}

TEST_CASE("texts that end in the middle are left to the TOML parser") {
  for (const char* text : {"", "\"", "\"\"\"", "'", "'''a", "\"\\", "#", "]]]]", "\"\"\"a\"", "a."})
    CHECK_NOTHROW(check_limits(text, "f"));
}

TEST_CASE("a file of more than a mebibyte is not read") {
  CHECK_NOTHROW(check_limits(std::string(1 << 20, ' '), "f"));
  CHECK_THROWS_WITH(check_limits(std::string((1 << 20) + 1, ' '), "f"),
                    "f: 1048577 bytes are too many for a TOML file; allowed: 1048576");
}
