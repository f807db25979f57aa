#include "runtime/job/document.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/parse.hpp"
#include "runtime/config/errors.hpp"
#include "runtime/job/keys.hpp"

namespace eightfold::runtime::job {
namespace {

// The name before '=' of an override, split.
struct Address {
  std::string_view full_name;
  std::string_view section;
  std::string_view key;
};

// The layer that "model.layer[2]" means; null if `section` speaks of something else.
config::GivenSection* addressed_layer(config::Tables& document, std::string_view section,
                                      const config::Place& place) {
  const std::string_view name = layer_section().name;
  if (section != name && !section.starts_with(fmt::format("{}[", name))) return nullptr;
  const std::string_view brackets = section.substr(name.size());
  const bool closed = brackets.size() > 2 && brackets.ends_with(']');
  const std::string_view digits = closed ? brackets.substr(1, brackets.size() - 2) : std::string_view();
  const std::int64_t index = base::parse_integer(digits).value_or(-1);
  std::vector<config::GivenSection>& layers = document.lists.find(name)->second;
  const auto count = static_cast<std::int64_t>(layers.size());
  if (index < 0 || index >= count)
    base::raise<base::ConfigError>("{}: no such layer; allowed: {}[i], i counting from 0 and below {}",
                                   place.text, name, count);
  return &layers[static_cast<std::size_t>(index)];
}

void assign(std::string_view section, const Address& address, std::string_view value,
            const config::Place& place, config::GivenSection& given) {
  const config::KeyFacts* key =
      std::ranges::find(job_layout(), section, &config::TableFacts::name)->find(address.key);
  if (key == nullptr) {
    given.unknown.push_back({std::string(address.key), place});
    return;
  }
  given.keys.insert_or_assign(
      std::string(address.key),
      config::Given{config::read_value(*key, address.full_name, value, place), place});
}

}  // namespace

config::Tables read_document(std::string_view text, std::string_view source, config::ErrorList& errors,
                             config::FormerNames former) {
  return config::read_tables(text, source, job_layout(), errors, former);
}

void add_override(config::Tables& document, std::string_view assignment) {
  const config::Place place{fmt::format("--set {}", assignment)};
  // The assignment becomes part of messages, and a comment of `config show --origin`: it must be one line.
  const bool is_line =
      std::ranges::none_of(assignment, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  const std::size_t equals = assignment.find('=');
  const std::string_view name = assignment.substr(0, equals);
  const std::size_t dot = name.rfind('.');
  if (is_line && equals != std::string_view::npos && equals > 0 && dot == std::string_view::npos)
    config::reject_lone_key(place, job_layout(), name);
  if (!is_line || equals == std::string_view::npos || dot == std::string_view::npos)
    base::raise<base::ConfigError>("--set {}: not an assignment; allowed: section.key=value",
                                   config::shown(std::string(assignment)));
  const Address address{name, name.substr(0, dot), name.substr(dot + 1)};
  const std::string_view value = assignment.substr(equals + 1);
  if (config::GivenSection* layer = addressed_layer(document, address.section, place))
    return assign(layer_section().name, address, value, place, *layer);
  const auto section = document.sections.find(address.section);
  if (section == document.sections.end()) config::reject_section(place, job_layout(), address.section);
  assign(address.section, address, value, place, section->second);
}

}  // namespace eightfold::runtime::job
