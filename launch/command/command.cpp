#include "launch/command/command.hpp"

#include "comm/mpi/agreed_error.hpp"
#include "kernels/base/log.hpp"
#include "launch/command/result.hpp"

#include <string_view>

namespace eightfold::launch::command {
namespace {

// A stop that was asked for is no error.
void say_end(base::ExitCode code, std::string_view words) {
  base::log(code == base::ExitCode::requeue ? base::LogLevel::info : base::LogLevel::error, words);
}

base::ExitCode report(const std::exception& failure) {
  const base::ExitCode code = base::exit_code_of(failure);
  say_end(code, base::describe(failure));
  return code;
}

// The flight record is ended last: the watchdog supervises the ranks until all have left MPI.
base::ExitCode report_agreed(const comm::mpi::AgreedError& error, comm::mpi::Environment& environment,
                             base::FlightRecorder& recorder) {
  if (environment.world().rank() == error.rank())
    say_end(error.exit_code(), error.what());  // the text already describes the error
  try {
    environment.close();
  } catch (const std::exception& failure) {
    base::log_error("releasing MPI: {}", failure.what());
  }
  recorder.end(static_cast<int>(error.exit_code()));
  return error.exit_code();
}

}  // namespace

void add_json_option(const Command& command, std::filesystem::path& path) {
  command
      .add_option("--json", path,
                  "Write the result and the environment to FILE as JSON; -: to standard "
                  "output, and all else to standard error")
      .type_name("FILE");
}

base::ExitCode with_ranks(base::FlightRecorder& recorder,
                          const std::function<void(comm::mpi::Environment&)>& action) {
  std::unique_ptr<comm::mpi::Environment> environment;
  try {
    environment = std::make_unique<comm::mpi::Environment>(recorder);
    action(*environment);
    environment->close();
    recorder.end(static_cast<int>(base::ExitCode::done));
    return base::ExitCode::done;
  } catch (const comm::mpi::AgreedError& error) {
    return report_agreed(error, *environment, recorder);
  } catch (const std::exception& failure) {
    const base::ExitCode code = report(failure);
    recorder.end(static_cast<int>(code));
    // The other ranks do not know of the error and might wait for this one for ever.
    if (environment != nullptr && environment->world().size() > 1) environment->abort(code);
    return code;
  }
}

base::ExitCode with_ranks(const std::function<void(comm::mpi::Environment&)>& action) {
  base::FlightRecorder recorder;
  return with_ranks(recorder, action);
}

base::ExitCode alone(const std::function<void()>& action) {
  try {
    action();
    flush_output();
    return base::ExitCode::done;
  } catch (const std::exception& failure) {
    return report(failure);
  }
}

}  // namespace eightfold::launch::command
