/**
 * The number of cycles of a stored job. Boundary: pure.
 */
import type { StoredJob } from "./JobStore.ts"

/** The cycles of a job as its result counts them: a last turn that finds nothing to do is a cycle, too. */
export const cyclesOf = ({ cycle, status }: Pick<StoredJob, "cycle" | "status">): number =>
  status === "converged" ? cycle + 1 : cycle
