/**
 * A finite model of the job's machine: every event that its guards tell apart, sent in every state, whether the driver
 * would send it there or not, and the paths that come of it.
 */
import type { SnapshotFrom } from "xstate"
import { getShortestPaths, getSimplePaths, type StatePath } from "xstate/graph"
import { type HaltReason, type JobMachineEvent, jobMachine } from "../../machines/job.machine.ts"

export type Snapshot = SnapshotFrom<typeof jobMachine>
export type Path = StatePath<Snapshot, JobMachineEvent>

export const input = { jobId: "j", program: "p", version: 3, hash: "h0" }
export const exhausted: HaltReason = { status: "budget-exhausted", error: "BudgetExhausted" }
export const failed: HaltReason = { status: "failed", error: "AgentFailed" }
export const cancelled: HaltReason = { status: "cancelled", error: "JobCancelled" }
export const converged: HaltReason = { status: "converged", error: null }

const selected = (tasks: number, signals: number, halt: HaltReason | null): JobMachineEvent => ({
  type: "SELECTED",
  cycle: 1,
  tier: 0,
  agents: tasks > 0 ? ["a"] : [],
  tasks,
  signals,
  halt
})

/** One of each event that tells the guards apart. Cycles do not count here, so that the model is finite. */
export const events: ReadonlyArray<JobMachineEvent> = [
  { type: "START" },
  selected(1, 0, null),
  selected(0, 1, null),
  selected(0, 0, null),
  selected(0, 0, exhausted),
  selected(0, 0, failed),
  { type: "EXECUTED" },
  { type: "MERGED", version: 4, hash: "h1", halt: null },
  { type: "MERGED", version: 4, hash: "h1", halt: exhausted },
  { type: "MERGED", version: 4, hash: "h1", halt: failed },
  { type: "CHECKED", mailbox: 0, intents: 0, halt: null },
  { type: "CHECKED", mailbox: 1, intents: 0, halt: null },
  { type: "CHECKED", mailbox: 0, intents: 1, halt: null },
  { type: "CHECKED", mailbox: 1, intents: 1, halt: null },
  { type: "CHECKED", mailbox: 0, intents: 0, halt: converged },
  { type: "CHECKED", mailbox: 0, intents: 0, halt: failed },
  { type: "WAKE" },
  { type: "STOPPED", halt: exhausted },
  { type: "STOPPED", halt: failed },
  { type: "STOPPED", halt: cancelled },
  { type: "DRIVER_EXITED", defect: null },
  { type: "DRIVER_EXITED", defect: "boom" },
  { type: "PAUSE" },
  { type: "RESUME" },
  { type: "CANCEL" }
]

export const finals = ["converged", "budgetExhausted", "failed", "cancelled"]
export const statusOf: Readonly<Record<string, HaltReason["status"]>> = {
  converged: "converged",
  budgetExhausted: "budget-exhausted",
  failed: "failed",
  cancelled: "cancelled"
}

/** `running.eligible`, `paused` ... */
export const nameOf = ({ value }: Pick<Snapshot, "value">): string =>
  typeof value === "string" ? value : `running.${value.running}`

export const allStates = [
  "idle",
  ...["eligible", "executing", "merging", "checking", "stopping"].map((phase) => `running.${phase}`),
  "awaiting",
  "paused",
  ...finals
]

/** How the model is walked: states are told apart by all of their context. */
export const traversal = {
  input,
  events: [...events],
  serializeState: ({ context, value }: Snapshot) => JSON.stringify([value, context])
}

export const shortest = getShortestPaths(jobMachine, traversal) as ReadonlyArray<Path>

/** Simple paths of the model that forgets all of the context but what the guards ask. */
export const simple = getSimplePaths(jobMachine, {
  input,
  events: [...events],
  serializeState: ({ context, value }: Snapshot) => JSON.stringify([value, context.pausing, context.halt?.status])
}) as ReadonlyArray<Path>

/** A step of the machine as text: from which state, on what, to which state. */
export const edgeOf = (from: Pick<Snapshot, "value">, event: string, to: Pick<Snapshot, "value">): string =>
  `${nameOf(from)} ${event} ${nameOf(to)}`
