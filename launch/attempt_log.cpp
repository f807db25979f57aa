#include "launch/attempt_log.hpp"

#include "kernels/base/json.hpp"
#include "launch/launcher.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace eightfold::launch {

std::string Attempt::error() const {
  return cause.empty() ? last_words(end.said) : cause;
}

std::string attempt_line(const Attempt& attempt) {
  nlohmann::ordered_json line = {{"attempt", attempt.number},       {"date", attempt.date},
                                 {"hosts", attempt.hosts},          {"ranks", attempt.ranks},
                                 {"command", attempt.command},      {"begun_at_step", attempt.begun_at},
                                 {"left_at_step", attempt.left_at}, {"seconds", attempt.seconds}};
  const bool was_killed = attempt.end.how == ChildEnd::How::killed;
  const bool was_hung = attempt.end.how == ChildEnd::How::hung;
  if (attempt.end.how != ChildEnd::How::interrupted && !was_hung)
    line[was_killed ? "signal" : "exit_code"] = attempt.end.code;
  if (was_killed || was_hung || attempt.end.code != 0) line["error"] = attempt.error();
  line["next"] = attempt.next;
  // What a rank has said may be anything.
  return base::json_text_of_any(line);
}

AttemptLog::AttemptLog(const std::filesystem::path& run_directory)
    : file_(run_directory / "attempts.jsonl", "launch") {
  const std::string text = file_.text();
  const std::size_t complete = text.rfind('\n') + 1;  // 0 where there is no end of a line
  if (complete < text.size()) file_.cut(complete);
  before_ = static_cast<int>(std::ranges::count(text, '\n'));
}

}  // namespace eightfold::launch
