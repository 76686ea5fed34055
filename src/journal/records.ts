/**
 * The JSON records of a journal that its chain of hashes does not cover: the header, the extras of rows, notes, and the end.
 *
 * header.ts has the parts of the header, extra.ts the extras, edges.ts the notes. job/journaling.ts puts the header together
 * and writes the end. Each reader decodes its record with header.ts, extra.ts or edges.ts. Boundary: types.
 */
import type { AgentSum } from "../outcome/Spent.ts"
import type { Usage } from "../program/Budget.ts"
import type { Status } from "../outcome/Cause.ts"
import type { CauseJson } from "./causes.ts"
import type { Amounts, ResolvedBudget } from "../program/resolveBudget.ts"

/** A kind in a header. */
export interface KindHeader {
  readonly name: string
  /** The number of facts that retention keeps; null: all. */
  readonly latest: number | null
  readonly conflict: "reject" | "keepFirst" | "keepLast" | "combine"
  /** The fingerprint of the schema (kindFingerprint.ts). */
  readonly fingerprint: string
}

/** The header of the rows up to cycle `until`. `isMigrated`: the rows after it stand on a migrated context. */
export interface EarlierHeader {
  readonly until: number
  readonly isMigrated: boolean
  readonly header: JournalHeader
}

/** The place at which a fork begins. */
export interface ForkOrigin {
  readonly jobId: string
  readonly cycle: number
}

/** The header of a journal: its program, and how the job began. */
export interface JournalHeader {
  readonly format: 1
  readonly program: string
  readonly version: string
  /** The fields of `ResolvedBudget`; null: unlimited. Version 0.1 left out `cost`. */
  readonly budget: Readonly<Record<Exclude<keyof ResolvedBudget, "cost">, number | null>> & {
    readonly cost?: number | null
  }
  readonly kinds: ReadonlyArray<KindHeader>
  /** The kinds that trigger each agent, by the agent's name, in merge order. */
  readonly triggers: ReadonlyArray<readonly [agent: string, kinds: ReadonlyArray<string>]>
  /** Retention keeps facts that are still needed (M5). Earlier versions left it out, and pruned all but the newest facts. */
  readonly keepsNeeded?: true
  /** For a fork: the agents that had executed by its cycle. Otherwise empty. */
  readonly executed: ReadonlyArray<string>
  /** For a fork: its seeds replace existing facts, whatever the conflict rules of their kinds. */
  readonly isForced: boolean
  /** For a fork: the job, and the cycle after which it begins. Earlier versions left it out. */
  readonly forkOf?: ForkOrigin
  /** The headers of earlier versions of the program, oldest first. Empty if one version wrote all rows. */
  readonly earlier: ReadonlyArray<EarlierHeader>
  /** The extra of cycle 0. */
  readonly beginning: BeginningExtra
  /** Depth in the tree of child jobs. Earlier versions left it out, and did not shorten the ids of children. */
  readonly depth?: number
  /** The limits that the job's parent handed down. Left out if there are none, as for every job that a caller started. */
  readonly handed?: Amounts
  /** The span in which the job began, in the format of `traceparent`. Left out if the start was not traced. */
  readonly span?: string
}

/** The fields of an outcome that its canonical text lacks. Every key may be left out. */
export interface OutcomeFields {
  /** The ids of the facts, in their order. Left out if there are no facts. */
  readonly ids?: ReadonlyArray<string>
  /** The result of a combining function, by the fact's place: its canonical text, or null if the existing fact stayed. */
  readonly combined?: ReadonlyArray<readonly [place: number, text: string | null]>
  /** The places of facts whose combining function was found not to be commutative. */
  readonly uncommutative?: ReadonlyArray<number>
  readonly trace?: unknown
  readonly tokens?: number
  /** The cause of a discarded outcome, with all fields. */
  readonly cause?: CauseJson
  /** The number of facts that a discarded signal proposed. */
  readonly proposals?: number
}

/** The extra of an outcome; 0 if it has none. */
export type OutcomeExtra = 0 | OutcomeFields

/** An event between two cycles, by its tag in the event log. */
export type NoteTag = "Paused" | "Resumed" | "Awaiting"

/** The cause that halts the job: the place of the signal or outcome that has it, or the cause itself. */
export type HaltExtra = readonly ["signal" | "outcome", number] | { readonly cause: CauseJson }

export interface RowExtra {
  readonly signals?: ReadonlyArray<OutcomeExtra>
  readonly outcomes?: ReadonlyArray<OutcomeExtra>
  readonly before?: ReadonlyArray<NoteTag>
  readonly halt?: HaltExtra
  /** The kinds of committed intents that a handler performs. */
  readonly handled?: ReadonlyArray<string>
  readonly children?: ChildrenExtra
  /** The kinds of committed intents that somebody should perform, and nobody does. Earlier versions left it out. */
  readonly unperformed?: ReadonlyArray<string>
  /** The time of the commit, in milliseconds since the epoch. */
  readonly at: number
  /** The job's duration and CPU time after this cycle, in milliseconds. */
  readonly ranMs: number
  readonly cpuMs: number
  /** The tokens and the cost that each agent has paid after this cycle. Left out if none has. */
  readonly spent?: ReadonlyArray<AgentSum>
  /** When its tasks ran. Left out if no task took long enough. Earlier versions left it out. */
  readonly times?: TimesExtra
}

/** The times of a cycle, in milliseconds. No hash covers them. */
export interface TimesExtra {
  /** From the beginning of the tasks to the commit. */
  readonly ms: number
  /** The tasks that took a while, in merge order; `place` is that of the outcome. `attempts` is left out if there was one. */
  readonly tasks: ReadonlyArray<TaskTimes>
}

export type TaskTimes = readonly [place: number, worker: number, startMs: number, tookMs: number, attempts?: number]

/** The changes of a row to the budgets of child jobs. */
export interface ChildrenExtra {
  /** The spending of all ended children after the row. Left out if the row has no answer of a child with a share. */
  readonly spent?: Amounts
  /** The share of each child that the row asks for, in commit order. Left out if it asks for none, or shares no budget. */
  readonly shares?: ReadonlyArray<Amounts>
}

export interface BeginningExtra {
  readonly seeds: OutcomeExtra
  readonly violations: ReadonlyArray<unknown>
  readonly halt?: HaltExtra
}

/** The end of a journal. */
export interface EndExtra {
  readonly status: Status
  /** The cause as JSON; null for a job that converged. */
  readonly cause: CauseJson | null
  /** The output. Left out if it has no JSON form, or if the text would be too long. */
  readonly output?: unknown
  readonly usage: Usage
}
