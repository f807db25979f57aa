#include "runtime/scale/file_keys.hpp"

#include "runtime/config/markdown.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

using namespace eightfold::runtime;
using config::keys_markdown;

namespace {

// What docs/scaling.md says of a section.
template <class Owner>
std::string documented(const config::Section<Owner>& section, bool is_list = false) {
  const std::string name(section.name);
  const std::string heading = is_list ? "[[" + name + "]]" : "[" + name + "]";
  return fmt::format("\n`{}`: {}\n\n{}", heading, section.help, keys_markdown(section));
}

}  // namespace

TEST_CASE("every key of fabrics and workloads stands in the documentation as it is") {
  const std::string page = eightfold::test::contents_of(EIGHTFOLD_SOURCE_DIR "/docs/scaling.md");
  std::vector<std::string> tables;
  for (const auto& section : scale::fabric_sections()) tables.push_back(documented(section));
  for (const auto& section : scale::workload_sections()) tables.push_back(documented(section));
  tables.push_back(documented(scale::codec_section(), true));
  tables.push_back(documented(scale::layer_section(), true));
  for (const std::string& table : tables) {
    INFO("docs/scaling.md lacks this:\n" << table);
    const bool is_there = page.find(table) != std::string::npos;
    CHECK(is_there);
  }
}

TEST_CASE("no section of a fabric and a workload has the name of another") {
  std::vector<std::string_view> names;
  for (const config::TableFacts& table : scale::file_layout()) names.push_back(table.name);
  std::ranges::sort(names);
  CHECK(std::ranges::adjacent_find(names) == names.end());
}
