#include "launch/process/silent_hosts.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <sstream>

namespace eightfold::launch::process {
namespace {

constexpr std::chrono::seconds kAnswerLimit{30};
constexpr std::size_t kLongestWords = 300, kNamed = 8;

SilentHost silent(const Host& host, const ChildEnd& answer) {
  SilentHost silent{host, words_of_agent(answer.said)};
  if (silent.words.empty() && answer.how == ChildEnd::How::timed_out)
    silent.words = fmt::format("nothing within {} s", kAnswerLimit.count());
  // The words of OpenSSH, which translates what follows them alone.
  silent.is_unknown = silent.words.find("Could not resolve hostname") != std::string::npos;
  return silent;
}

}  // namespace

std::vector<SilentHost> find_silent_hosts(const Launcher& launcher, EndRequest& request) {
  std::vector<std::vector<std::string>> questions;
  for (const Host& host : launcher.hosts) questions.push_back(launcher.on({host}).command(1, 1, {"true"}));
  const std::vector<ChildEnd> answers = run_children(questions, kAnswerLimit, request);
  std::vector<SilentHost> found;
  for (std::size_t i = 0; i < answers.size(); ++i)
    if (answers[i].how != ChildEnd::How::exited || answers[i].code != 0)
      found.push_back(silent(launcher.hosts[i], answers[i]));
  return found;
}

std::string describe(const std::vector<SilentHost>& silent) {
  std::vector<std::string> parts;
  for (const SilentHost& each : silent) {
    if (parts.size() == kNamed) {
      parts.push_back(fmt::format("and none from {} more", silent.size() - kNamed));
      break;
    }
    parts.push_back(
        fmt::format("no answer from {}{}{}", each.host.name, each.words.empty() ? "" : ": ", each.words));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string words_of_agent(std::string_view said) {
  std::string last;
  bool is_inside = false;
  std::istringstream lines{std::string(said)};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("----------")) {
      is_inside = !is_inside;
      continue;
    }
    const bool has_word = std::ranges::any_of(line, [](unsigned char c) { return std::isalnum(c) != 0; });
    if (!is_inside && has_word && !line.starts_with('[')) last = line;
  }
  const std::size_t end = last.find_last_not_of(" \t\r");
  return last.substr(0, std::min(end + 1, kLongestWords));
}

}  // namespace eightfold::launch::process
