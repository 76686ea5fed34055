/** The names of the faults that a simulation of a user's program may have. Boundary: data. */

/** The faults that may be asked for. */
export const simulationFaults = [
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
] as const

/**
 * A fault of a simulation.
 *
 * - `"kills"`: the process dies between two steps, and another one goes on from the journal.
 * - `"dead-workers"`: a worker dies before, while or after it runs a task, or is taken for dead and answers late.
 * - `"slow-writes"`, `"lost-acknowledgements"`, `"full-disks"`: what a write of the journal meets.
 * - `"lost-leases"`: another engine takes the job over. `"damaged-rows"`: a row is read damaged once.
 * - `"late-answers"`, `"repeated-answers"`, `"missing-answers"`: a handler answers late, is called twice with the same key, or
 *   acts and then the process dies.
 * - `"pauses"`: a caller pauses the job, and resumes it. `"cancels"`: a caller cancels it.
 * - `"load"`: agents and handlers wait up to four times as long as they ask for, so their timeouts come sooner.
 */
export type SimulationFault = (typeof simulationFaults)[number]
