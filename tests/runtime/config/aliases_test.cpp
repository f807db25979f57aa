#include "runtime/config/aliases.hpp"

#include "runtime/job/keys.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <string>

using namespace eightfold;
using namespace eightfold::runtime::config;

namespace {

const KeyFacts* find_key(std::string_view full_name) {
  for (const TableFacts& table : runtime::job::job_layout())
    for (const KeyFacts* key : table.keys)
      if (full_name == std::string(table.name) + "." + std::string(key->name)) return key;
  return nullptr;
}

bool is_name(std::string_view full_name) {
  const bool is_section = std::ranges::find(runtime::job::job_layout(), full_name, &TableFacts::name) !=
                          runtime::job::job_layout().end();
  return is_section || find_key(full_name) != nullptr;
}

}  // namespace

TEST_CASE("every word for a key means one that there is, and is no key in its section") {
  for (const Alias& alias : aliases()) {
    CAPTURE(std::string(alias.name));
    CHECK(is_name(alias.name));
    for (const std::string_view word : alias.words) {
      CAPTURE(std::string(word));
      const std::vector<std::string_view> found = meanings(word);
      CHECK(std::ranges::find(found, alias.name) != found.end());
      CHECK_FALSE(
          is_name(std::string(alias.name.substr(0, alias.name.rfind('.'))) + "." + std::string(word)));
    }
  }
}

TEST_CASE("every word for a choice means one that the key accepts, and is none itself") {
  for (const ChoiceAlias& alias : choice_aliases()) {
    const KeyFacts* key = find_key(alias.key);
    CAPTURE(std::string(alias.key), std::string(alias.choice));
    REQUIRE(key != nullptr);
    CHECK(key->accepts(std::string(alias.choice)));
    for (const std::string_view word : alias.words) {
      CAPTURE(std::string(word));
      CHECK_FALSE(key->accepts(std::string(word)));
      CHECK(choice_meant(alias.key, word) == alias.choice);
    }
  }
}

TEST_CASE("words are known whatever their case and what joins them") {
  const std::vector<std::string_view> batch{"job.global_batch"};
  for (const std::string word : {"batch_size", "batchSize", "BATCH-SIZE", "batch size"})
    CHECK(meanings(word) == batch);
  CHECK(meanings("").empty());
  CHECK(meanings(std::string(100'000, 'l')).empty());
  CHECK(choice_meant("optimizer.kind", "ADAM") == "adamw");
  CHECK(choice_meant("model.layer[12].kind", "Fully_Connected") == "linear");
  CHECK(choice_meant("model.layer[.kind", "dense").empty());
  CHECK(choice_meant("job.name", "adam").empty());
}
