#include "launch/process/launcher_output.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace eightfold::launch::process {
namespace {

constexpr std::size_t kLongestError = 400, kLongestAgentLine = 300;

// The part of Open MPI's messages that a line belongs to, if any.
enum class MessagePart { outside, before_text, first_paragraph, later_paragraph };

bool is_hyphens(const std::string& line) {
  return line.starts_with("----------");
}

bool has_word(const std::string& line) {
  return std::ranges::any_of(line, [](unsigned char c) { return std::isalnum(c) != 0; });
}

}  // namespace

std::string last_error_line(std::string_view output) {
  std::string error, stop, message, last;
  MessagePart part = MessagePart::outside;
  std::istringstream lines{std::string(output)};
  for (std::string line; std::getline(lines, line);) {
    line.resize(std::min(line.size(), kLongestError));
    if (is_hyphens(line)) {
      part = part == MessagePart::outside ? MessagePart::before_text : MessagePart::outside;
    } else if (!has_word(line)) {
      if (part == MessagePart::first_paragraph) part = MessagePart::later_paragraph;
    } else {
      // Not at the beginning: a stamp with rank and host stands before the word.
      if (line.find("error: ") != std::string::npos) error = line;
      if (line.find("info: stopped by ") != std::string::npos) stop = line;
      if (part == MessagePart::first_paragraph) message += " " + line;
      if (part == MessagePart::before_text) {
        message = line;
        part = MessagePart::first_paragraph;
      }
      last = line;
    }
  }
  for (const std::string& each : {error, stop, message, last})
    if (!each.empty()) return each.substr(0, kLongestError);
  return "nothing on standard error";
}

std::string last_agent_line(std::string_view output) {
  std::string last;
  bool is_inside = false;
  std::istringstream lines{std::string(output)};
  for (std::string line; std::getline(lines, line);) {
    if (is_hyphens(line))
      is_inside = !is_inside;
    else if (!is_inside && has_word(line) && !line.starts_with('['))
      last = line;
  }
  const std::size_t end = last.find_last_not_of(" \t\r");
  return last.substr(0, std::min(end + 1, kLongestAgentLine));
}

}  // namespace eightfold::launch::process
