#pragma once

// Chooses whether an OpenMP thread that waits for its team spins or sleeps. OpenMP spins for milliseconds by
// default, and reads its policy when the program is loaded, before main(). Another policy therefore needs the
// program to be started once more, in the same process. Spinning saves a wake-up if a thread has a core of
// its own. On shared cores it takes time from the thread that is waited for, and under a quota it uses up the
// quota.

namespace eightfold::launch::process {

// Facts about a process that are known before MPI starts.
struct Surroundings {
  int cores = 1;           // cores that it may run on
  int launcher_cores = 1;  // cores that its parent process may run on
  int ranks = 1;           // ranks of its job on this node
  double quota_cores = 0;  // in cores: the smallest quota of its control groups
};
Surroundings surroundings();

// True if spinning would take time from other threads. This is so if ranks of the node share cores, or a
// quota allows less than all cores of a rank.
bool has_to_share(const Surroundings& surroundings);

// Restarts the program in the same process, with the same arguments and OMP_WAIT_POLICY=passive, if it shares
// cores and neither that variable nor GOMP_SPINCOUNT is set. Child processes do not inherit the variable.
// Call it first in main(). If the restart fails, the program goes on without it.
void sleep_where_cores_are_shared(char** arguments);

}  // namespace eightfold::launch::process
