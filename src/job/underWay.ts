/**
 * The state of the cycle under way. It is dropped when the cycle is discarded or committed.
 *
 * There is one object for each cycle. It is also the gate of the cycle's views, so it costs no more than a gate. Boundary: a
 * value; the driver decides about it.
 */
import type * as Scope from "effect/Scope"
import type { Gate } from "../context/contextView.ts"
import { nothingEligible, type Selection } from "../cycle/eligibility.ts"
import type { CycleMerge } from "../cycle/merge.ts"
import type { Settlement } from "../cycle/sharedBudget.ts"
import type { Cause } from "../outcome/Cause.ts"
import type { MergedOutcome, TaskOutcome } from "../outcome/CommittedCycle.ts"
import type { Amounts } from "../program/resolveBudget.ts"
import type { StartGate } from "../workers/startGate.ts"
import type { RunningGroup } from "./fiberGroup.ts"
import type { CpuTasks, PresentFibers } from "./present.ts"
import type { PendingSignal } from "./mailbox.ts"

/** A signal that the cycle has taken up, and its outcome; undefined if another decision of the cycle came before its own. */
export interface StagedSignal {
  readonly signal: PendingSignal
  readonly outcome: MergedOutcome | undefined
}

const noSignals: ReadonlyArray<StagedSignal> = Object.freeze([])
const noOutcomes: ReadonlyArray<TaskOutcome> = Object.freeze([])
const noNames: ReadonlyArray<string> = Object.freeze([])
const noThreads: ReadonlyArray<CpuTasks> = Object.freeze([])
const noShares: ReadonlyArray<readonly [string, Amounts]> = Object.freeze([])

export class UnderWay implements Gate {
  readonly merge: CycleMerge
  /** The context's version before the cycle. */
  readonly version: number
  /** Whether the cycle's views may be used. */
  open = true
  /** The context's version when the tasks begin: after the signals, before the effects. */
  begin: number
  selection: Selection = nothingEligible
  /** The names of the selected agents. */
  agents: ReadonlyArray<string> = noNames
  /** In merge order. */
  outcomes: ReadonlyArray<TaskOutcome> = noOutcomes
  /** The fibers of the tasks that run. */
  group: RunningGroup<Scope.Scope> | undefined
  /** Closes when no further CPU task may start. Undefined if none can run out of money. */
  starts: StartGate | undefined
  /** The tasks of fiber agents, for those who ask what runs at present. */
  fibers: { readonly present: (limit: number) => PresentFibers } | undefined
  /** The CPU tasks, for the same. */
  threads: ReadonlyArray<CpuTasks> = noThreads
  /** Stops the tasks that run, with the cause that ends the job. */
  stopTasks: ((cause: Cause) => void) | undefined
  /** The cause for which tasks asked to be stopped in their first step. */
  stopCause: Cause | undefined
  /** The kinds of the cycle's intents that have a performer. */
  performed: ReadonlyArray<string> = noNames
  /** The answers of children with shares that the cycle takes in. */
  settlement: Settlement | undefined
  /** The shares that the cycle sets aside for children, with the keys of their intents, in commit order. */
  shares = noShares
  /** The kinds of the cycle's intents that somebody should perform, and nobody does. */
  unperformed: ReadonlyArray<string> = noNames
  /** The commit's time, in milliseconds since the epoch, if intents are performed: an approval's time counts from it. */
  committedAt = 0
  /** When the tasks began, on the clock for durations. 0 if it is not recorded. */
  beganAt = 0
  /** The same, for those who ask: set as soon as a task does not end at once. */
  seenAt = 0
  #staged: Array<StagedSignal> | undefined

  constructor(merge: CycleMerge, version: number) {
    this.merge = merge
    this.version = version
    this.begin = version
  }

  get cycle(): number {
    return this.merge.cycle
  }

  /** The signals that the cycle has taken up, in the order of their arrival. */
  get staged(): ReadonlyArray<StagedSignal> {
    return this.#staged ?? noSignals
  }

  stage(signal: PendingSignal, outcome: MergedOutcome | undefined): void {
    this.#staged ??= []
    this.#staged.push({ signal, outcome })
  }

  /** Stops the tasks, now or as soon as they can be stopped. */
  stop(cause: Cause): void {
    if (this.stopTasks === undefined) this.stopCause ??= cause
    else this.stopTasks(cause)
  }

  select(selection: Selection): void {
    this.selection = selection
    this.agents = selection.agents.map(({ agent }) => agent.name)
  }

  /** The tasks have ended, or were stopped. */
  close(): void {
    this.open = false
    this.group = undefined
    this.fibers = undefined
    this.threads = noThreads
    this.stopTasks = undefined
  }
}
