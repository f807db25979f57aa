#pragma once

// Whether a thread that waits for its team spins or sleeps. OpenMP spins for milliseconds unless told not to,
// and reads what it is told when the program is loaded, before main(): so who wants it otherwise starts the
// program once more, in the same process. Spinning saves a wake-up where a thread has a core of its own; on
// shared cores it takes the time of the thread that is waited for, under a quota it spends what was bought.

namespace eightfold::launch::process {

// What is known of a process before it has started MPI.
struct Surroundings {
  int cores = 1;           // that it may run on
  int launcher_cores = 1;  // that the program that started it may run on
  int ranks = 1;           // that the launcher has started on this node
  double quota_cores = 0;  // the least quota of its control groups
};
Surroundings surroundings();

// Whether threads would wait at the cost of others: the ranks of the node have fewer cores than each of them
// may run on, or a quota buys less than all of a rank's.
bool has_to_share(const Surroundings& surroundings);

// Starts the program anew, with the same arguments, with OMP_WAIT_POLICY=passive, if it has to share and
// neither that nor GOMP_SPINCOUNT is set; what this process starts does not inherit it. First thing in
// main(). Where it cannot be started anew it goes on.
void sleep_where_cores_are_shared(char** arguments);

}  // namespace eightfold::launch::process
