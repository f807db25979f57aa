#include "kernels/base/path.hpp"

#include "tests/support/test.hpp"

#include <cstdlib>
#include <map>
#include <string>

using namespace eightfold::base;

namespace {

// Sets variables of the environment while it lives; null: takes one away.
class Variables {
 public:
  explicit Variables(const std::map<std::string, const char*>& values) {
    for (const auto& [name, value] : values) {
      const char* before = std::getenv(name.c_str());
      before_[name] = {before != nullptr, before != nullptr ? before : ""};
      set(name, value);
    }
  }
  ~Variables() {
    for (const auto& [name, before] : before_) set(name, before.first ? before.second.c_str() : nullptr);
  }
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;

 private:
  static void set(const std::string& name, const char* value) {
    if (value == nullptr)
      ::unsetenv(name.c_str());
    else
      ::setenv(name.c_str(), value, 1);
  }
  std::map<std::string, std::pair<bool, std::string>> before_;
};

}  // namespace

TEST_CASE("a path stands for itself, but for the home and the variables that it names") {
  const Variables variables({{"HOME", "/home/x"}, {"EF_DATA", "/d"}, {"EF_2", "two words"}});
  for (const auto& [text, path] : std::map<std::string, std::string>{{"", ""},
                                                                     {"/a/b", "/a/b"},
                                                                     {"~", "/home/x"},
                                                                     {"~/a", "/home/x/a"},
                                                                     {"a/~/b~", "a/~/b~"},
                                                                     {"$EF_DATA/mnist", "/d/mnist"},
                                                                     {"${EF_DATA}mnist", "/dmnist"},
                                                                     {"a/$EF_2.$EF_DATA", "a/two words./d"},
                                                                     {"~/$$EF_DATA", "/home/x/$EF_DATA"},
                                                                     {"a$$", "a$"}}) {
    CAPTURE(text);
    CHECK(expand_path(text).path == path);
    CHECK(expand_path(text).problem.empty());
  }
}

TEST_CASE("a path that names what is not there stands for nothing, and says why") {
  const Variables variables({{"EF_NONE", nullptr}, {"EF_EMPTY", ""}});
  for (const auto& [text, why] : std::map<std::string, std::string>{{"$EF_NONE/a", "$EF_NONE is not set"},
                                                                    {"a/${EF_NONE}", "$EF_NONE is not set"},
                                                                    {"$EF_EMPTY/a", "$EF_EMPTY is empty"},
                                                                    {"~other/a", "your own home"},
                                                                    {"a$", "a dollar sign is $$"},
                                                                    {"$1", "a dollar sign is $$"},
                                                                    {"${EF_NONE", "a dollar sign is $$"},
                                                                    {"${}", "a dollar sign is $$"},
                                                                    {"$(id)", "a dollar sign is $$"}}) {
    CAPTURE(text);
    CHECK(expand_path(text).path.empty());
    CHECK(expand_path(text).problem.find(why) != std::string::npos);
  }
}

TEST_CASE("without HOME the home is the one of the user") {
  const Variables variables({{"HOME", nullptr}});
  CHECK(expand_path("~/a").path.ends_with("/a"));
  CHECK(expand_path("~/a").path.size() > 2);
}

TEST_CASE("a literal path expands to itself") {
  for (const std::string path : {"", "/a/b", "a$HOME", "$$", "a b"})
    CHECK(expand_path(literal_path(path)).path == path);
  CHECK(expand_path(literal_path("~/a")).path == "./~/a");
}
