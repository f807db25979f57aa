#include "launch/process/hosts.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/parse.hpp"
#include "runtime/config/value.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>
#include <utility>

namespace eightfold::launch::process {
namespace {

namespace fs = std::filesystem;
using runtime::config::shown;

constexpr std::size_t kHostfileLimit = 1 << 20;
constexpr std::size_t kLongestName = 255;
constexpr int kMostSlots = 1000;  // as --ranks-per-node
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
// Spellings of max_slots that Open MPI accepts.
constexpr std::array<std::string_view, 4> kMaxSlots = {"max_slots", "max-slots", "slots_max", "slots-max"};

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && name.front() != '-' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                  c == '_' || c == '-';
         });
}

// Where a host is named; formatted only for an error.
struct SourceLocation {
  std::string_view where;
  int line = 0;  // 0: not in a file

  std::string text() const { return line > 0 ? fmt::format("{}:{}", where, line) : std::string(where); }
};

int slots_of(const SourceLocation& location, std::string_view key, std::string_view word) {
  const std::optional<std::int64_t> number = base::parse_integer(word);
  if (!number || *number < 1 || *number > kMostSlots)
    base::raise<base::ConfigError>("{}: {} is {}; allowed: a number from 1 to {}", location.text(), key,
                                   shown(std::string(word)), kMostSlots);
  return static_cast<int>(*number);
}

// "a" or "a:2".
Host parse_host(const SourceLocation& location, std::string_view word) {
  const std::size_t colon = word.rfind(':');
  const std::string_view name = word.substr(0, colon);
  if (!is_name(name))
    base::raise<base::ConfigError>(
        "{}: {} is no name of a host; allowed: letters, digits, dots, underscores and hyphens, no hyphen "
        "first, and :N behind it for N ranks",
        location.text(), shown(std::string(word)));
  Host host{std::string(name)};
  host.has_number = colon != std::string_view::npos;
  if (host.has_number) host.slots = slots_of(location, "the number behind a host", word.substr(colon + 1));
  return host;
}

constexpr std::string_view kBlanks = " \t\r\v\f", kEndsOfWords = " \t\r\v\f=";
constexpr std::size_t kMostWords = 8;  // more words than any valid line has

// The first words of a line. After the host an equals sign is a word of its own, with or without blanks
// around it.
std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t at = line.find_first_not_of(kBlanks);
       at != std::string_view::npos && words.size() < kMostWords; at = line.find_first_not_of(kBlanks, at)) {
    const std::string_view ends = words.empty() ? kBlanks : kEndsOfWords;
    const std::size_t end = !words.empty() && line[at] == '=' ? at + 1 : line.find_first_of(ends, at);
    words.push_back(line.substr(at, end - at));
    if (end == std::string_view::npos) break;
    at = end;
  }
  return words;
}

// Parses the words after a host: pairs of a key and a number.
void parse_slots(const SourceLocation& location, std::span<const std::string_view> words, Host& host) {
  for (; !words.empty(); words = words.subspan(3)) {
    const std::string_view key = words[0];
    const bool is_limit = std::ranges::find(kMaxSlots, key) != kMaxSlots.end();
    if (key != "slots" && !is_limit)
      base::raise<base::ConfigError>("{}: {} behind {} means nothing; allowed: slots=N, max_slots=N",
                                     location.text(), shown(std::string(key)), host.name);
    if (words.size() < 3 || words[1] != "=")
      base::raise<base::ConfigError>("{}: {} of {} has no number; allowed: {}=N", location.text(), key,
                                     host.name, key);
    if (is_limit ? host.max_slots > 0 : host.has_number)
      base::raise<base::ConfigError>("{}: {} has a number of {} already", location.text(), host.name, key);
    (is_limit ? host.max_slots : host.slots) = slots_of(location, key, words[2]);
    if (!is_limit) host.has_number = true;
  }
  if (host.max_slots == 0) return;
  if (!host.has_number) host.slots = host.max_slots;
  host.has_number = true;
  if (host.slots > host.max_slots)
    base::raise<base::ConfigError>("{}: {} has slots={}, more than max_slots={}", location.text(), host.name,
                                   host.slots, host.max_slots);
}

// Hosts, in the order of their first lines.
class HostList {
 public:
  void add(const SourceLocation& location, const Host& host) {
    const auto [known, is_new] = places_.emplace(host.name, hosts_.size());
    if (is_new) {
      hosts_.push_back(host);
      return;
    }
    Host& before = hosts_[known->second];
    if (before.has_number || host.has_number)
      base::raise<base::ConfigError>(
          "{}: {} is named again; a host has a number of ranks, or is named once for each of them, not both",
          location.text(), host.name);
    if (before.slots == kMostSlots)
      base::raise<base::ConfigError>("{}: {} is named more than {} times; a host takes no more ranks",
                                     location.text(), host.name, kMostSlots);
    ++before.slots;
  }
  std::vector<Host> take() { return std::move(hosts_); }

 private:
  std::vector<Host> hosts_;
  std::map<std::string, std::size_t> places_;  // by name
};

}  // namespace

std::vector<Host> parse_hosts(const std::vector<std::string>& words, std::string_view where) {
  HostList list;
  for (const std::string& word : words) list.add({where}, parse_host({where}, word));
  std::vector<Host> hosts = list.take();
  // In a hostfile, mpirun counts the cores of hosts without a number; here they are not known.
  if (std::ranges::any_of(hosts, &Host::has_number))
    for (Host& host : hosts) host.has_number = true;
  return hosts;
}

std::vector<Host> parse_hostfile(std::string_view text, std::string_view file) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  HostList list;
  for (SourceLocation location{file, 1}; !text.empty(); ++location.line) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::vector<std::string_view> words = words_of(line.substr(0, line.find('#')));
    if (words.empty()) continue;
    Host host = parse_host(location, words[0]);
    parse_slots(location, std::span(words).subspan(1), host);
    list.add(location, host);
  }
  std::vector<Host> hosts = list.take();
  if (hosts.empty()) base::raise<base::ConfigError>("--hostfile: {} names no host", file);
  return hosts;
}

std::vector<Host> read_hostfile(const fs::path& file) {
  std::string text;
  try {
    text = base::read_file(file, kHostfileLimit);
  } catch (const base::EnvironmentError& error) {
    base::raise<base::ConfigError>("--hostfile: {}", error.what());
  }
  return parse_hostfile(text, file.string());
}

void choose_slots(std::vector<Host>& hosts, int ranks_per_node) {
  if (ranks_per_node == 0) {
    const auto with = std::ranges::find(hosts, true, &Host::has_number);
    const auto without = std::ranges::find(hosts, false, &Host::has_number);
    if (with != hosts.end() && without != hosts.end())
      base::raise<base::ConfigError>(
          "host {} is for {} ranks and {} has no number; give each of the hosts one, or all of them "
          "--ranks-per-node",
          with->name, with->slots, without->name);
    return;
  }
  for (Host& host : hosts) {
    if (host.max_slots > 0 && ranks_per_node > host.max_slots)
      base::raise<base::ConfigError>("--ranks-per-node {}: host {} takes at most {} (max_slots)",
                                     ranks_per_node, host.name, host.max_slots);
    host.slots = ranks_per_node;
  }
}

std::vector<std::string> names_of(const std::vector<Host>& hosts) {
  std::vector<std::string> names;
  names.reserve(hosts.size());
  for (const Host& host : hosts) names.push_back(host.name);
  return names;
}

}  // namespace eightfold::launch::process
