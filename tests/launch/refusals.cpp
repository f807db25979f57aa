#include "tests/launch/refusals.hpp"

#include "tests/support/test.hpp"

#include <cstdio>

namespace eightfold::test {
namespace {

bool is_error(const std::string& line) {
  return line.starts_with("error: ") ||
         (line.starts_with("[rank ") && line.find("] error: ") != std::string::npos);
}

// What the program may say on standard error beside its error. What mpirun adds about a failed job it begins
// and ends with a line of dashes.
Words strange_lines(const std::string& text) {
  Words strange;
  bool of_mpirun = false;
  for (const std::string& line : lines_with(text, "")) {
    const bool dashes = line.size() > 20 && line.find_first_not_of('-') == std::string::npos;
    if (dashes) of_mpirun = !of_mpirun;
    const bool known = line.empty() || dashes || of_mpirun || is_error(line) ||
                       line.find("info: ") != std::string::npos ||
                       line.find("warning: ") != std::string::npos;
    if (!known) strange.push_back(line);
  }
  return strange;
}

void print(const Refusal& row, const Finished& finished, const Scratch& scratch) {
  const Words errors = error_lines(finished.err);
  std::string line = errors.empty() ? "(no error line)" : errors.front();
  for (std::size_t at = 0; (at = line.find(scratch.path().string())) != std::string::npos;)
    line.replace(at, scratch.path().string().size(), "<dir>");
  std::printf("%-42s | %d | %2d | %s\n", row.wrong.c_str(), row.ranks, finished.status, line.c_str());
}

}  // namespace

Words error_lines(const std::string& text) {
  Words errors;
  for (const std::string& line : lines_with(text, "error: "))
    if (is_error(line)) errors.push_back(line);
  return errors;
}

void check_refusals(const std::vector<Refusal>& rows) {
  std::printf("what is wrong | ranks | exit code | what the user reads\n");
  for (const Refusal& row : rows) {
    const Scratch scratch;
    scratch.file("job.toml", kTinyJob);
    row.prepare(scratch);
    Command command = program(row.arguments, row.ranks, scratch.path());
    // Or mpirun takes two seconds over every failure.
    command.environment.emplace("OMPI_MCA_odls_base_sigkill_timeout", "0");
    command.environment.insert(row.environment.begin(), row.environment.end());
    const Finished finished = run(command);
    print(row, finished, scratch);

    INFO(row.wrong << "\n" << finished.err);
    CHECK_FALSE(finished.timed_out);
    CHECK(finished.status == row.code);
    const Words errors = error_lines(finished.err);
    CHECK(errors.size() == 1);
    for (const std::string& word : row.words) {
      INFO("missing: " << word);
      CHECK((!errors.empty() && errors.front().find(word) != std::string::npos));
    }
    CHECK(strange_lines(finished.err) == Words{});
    CHECK(lines_with(finished.out, "result ").empty());
    CHECK((row.leaves_runs || !std::filesystem::exists(scratch / "runs")));
  }
}

Preparation job(const std::string& text) {
  return [text](const Scratch& scratch) { scratch.file("job.toml", text); };
}

Preparation tiny_with(const std::string& before, const std::string& after) {
  std::string text = kTinyJob;
  text.replace(text.find(before), before.size(), after);
  return job(text);
}

Preparation tiny_and(const std::string& more) {
  return job(kTinyJob + more);
}

Words train_with(const std::string& assignment) {
  return {"train", "job.toml", "--set", assignment};
}

}  // namespace eightfold::test
