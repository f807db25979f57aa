#include "launch/supervise/attempt_log.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/json.hpp"
#include "launch/process/launcher_output.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace eightfold::launch::supervise {

std::string Attempt::error() const {
  return cause.empty() ? process::last_error_line(end.error_output) : cause;
}

std::string attempt_line(const Attempt& attempt) {
  nlohmann::ordered_json line = {{"attempt", attempt.number},       {"date", attempt.date},
                                 {"hosts", attempt.hosts},          {"ranks", attempt.ranks},
                                 {"command", attempt.command},      {"begun_at_step", attempt.begun_at},
                                 {"left_at_step", attempt.left_at}, {"seconds", attempt.seconds}};
  const bool was_killed = attempt.end.how == process::ChildEnd::How::killed;
  const bool was_hung = attempt.end.how == process::ChildEnd::How::hung;
  if (attempt.end.how != process::ChildEnd::How::interrupted && !was_hung)
    line[was_killed ? "signal" : "exit_code"] = attempt.end.code;
  const bool was_stopped = attempt.end.how == process::ChildEnd::How::exited &&
                           attempt.end.code == static_cast<int>(base::ExitCode::requeue);
  if (was_killed || was_hung || (attempt.end.code != 0 && !was_stopped)) line["error"] = attempt.error();
  line["next"] = attempt.next;
  return base::json_text(line);
}

AttemptLog::AttemptLog(const std::filesystem::path& run_directory)
    : file_(run_directory / "attempts.jsonl", "launch", base::Access::owner) {
  const std::string text = file_.text();
  const std::size_t complete = text.rfind('\n') + 1;  // 0 if no line is complete
  if (complete < text.size()) file_.cut(complete);
  before_ = static_cast<int>(std::ranges::count(text, '\n'));
}

}  // namespace eightfold::launch::supervise
