// eightfold bench
#include "launch/bench/bench.hpp"

namespace eightfold::launch::bench {

void add_bench(const command::Command& program, command::Action& chosen) {
  const command::Command bench = program.add_command("bench", "Measure this machine");
  bench.require_command();
  add_bench_codec(bench, chosen);
  add_bench_collective(bench, chosen);
  add_bench_link(bench, chosen);
  add_bench_step(bench, chosen);
}

}  // namespace eightfold::launch::bench
