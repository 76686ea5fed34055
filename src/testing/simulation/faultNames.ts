/** The names of the faults that a simulation of a user's program may have. Boundary: data. */

/**
 * A fault of a simulation.
 *
 * - `"kills"`: the process dies between two steps, and another one goes on from the journal.
 * - `"dead-workers"`: a worker dies before, while or after it runs a task, or is taken for dead and answers late.
 * - `"slow-writes"`: a write of the journal takes up to 20 seconds.
 * - `"lost-acknowledgements"`: a write of the journal is done, and the engine is told that it failed.
 * - `"full-disks"`: a write of the journal is refused.
 * - `"lost-leases"`: another engine takes the lease of the job.
 * - `"damaged-rows"`: a row of the journal is read damaged, once.
 * - `"late-answers"`: a handler answers up to 5 seconds later, within a quarter of its timeout.
 * - `"repeated-answers"`: a handler is called twice with the same idempotency key, and the second answer counts.
 * - `"missing-answers"`: a handler has acted, and the process dies before its answer is kept.
 * - `"pauses"`: a caller pauses the job, and resumes it.
 * - `"cancels"`: a caller cancels the job.
 * - `"load"`: agents and handlers wait up to four times as long as they ask for, so their timeouts come sooner.
 */
export type SimulationFault =
  | "kills"
  | "dead-workers"
  | "slow-writes"
  | "lost-acknowledgements"
  | "full-disks"
  | "lost-leases"
  | "damaged-rows"
  | "late-answers"
  | "repeated-answers"
  | "missing-answers"
  | "pauses"
  | "cancels"
  | "load"

/** All of them, in the order of reports. */
export const simulationFaults: ReadonlyArray<SimulationFault> = [
  "kills",
  "dead-workers",
  "slow-writes",
  "lost-acknowledgements",
  "full-disks",
  "lost-leases",
  "damaged-rows",
  "late-answers",
  "repeated-answers",
  "missing-answers",
  "pauses",
  "cancels",
  "load"
]
