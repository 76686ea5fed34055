/**
 * The JSON records of a journal that its chain of hashes does not cover: the header, the extras of rows, notes, the end.
 *
 * header.ts, extra.ts and edges.ts write them; whoever reads one decodes it. Boundary: types.
 */
import type { Usage } from "../program/Budget.ts"
import type { Status } from "../outcome/Cause.ts"
import type { CauseJson } from "./causes.ts"
import type { ResolvedBudget } from "../program/resolveBudget.ts"

/** A kind as a header names it. */
export interface KindHeader {
  readonly name: string
  /** Facts that are kept; null: all. */
  readonly latest: number | null
  readonly conflict: "reject" | "keepFirst" | "keepLast" | "combine"
  /** Names the schema: see kindFingerprint.ts. */
  readonly fingerprint: string
}

/** The header of the rows up to a cycle. `isMigrated`: what comes after stands on a context that a migration made. */
export interface EarlierHeader {
  readonly until: number
  readonly isMigrated: boolean
  readonly header: JournalHeader
}

/** The header of a journal: its program, and how the job began. */
export interface JournalHeader {
  readonly format: 1
  readonly program: string
  readonly version: string
  /** As `ResolvedBudget`; null: unlimited. */
  readonly budget: Readonly<Record<keyof ResolvedBudget, number | null>>
  readonly kinds: ReadonlyArray<KindHeader>
  /** The kinds that trigger each agent, by the agent's name, in merge order. */
  readonly triggers: ReadonlyArray<readonly [agent: string, kinds: ReadonlyArray<string>]>
  /** Of a fork: the agents that have executed before it began. */
  readonly executed: ReadonlyArray<string>
  /** Of a fork: its seeds override what is there, whatever their kinds' rules. */
  readonly isForced: boolean
  /** What was the header up to a cycle, of a job that another version of its program went on with; oldest first. */
  readonly earlier: ReadonlyArray<EarlierHeader>
  /** Cycle 0. */
  readonly beginning: BeginningExtra
  /** Depth in the tree of child jobs. A version that did not know it wrote none, and did not shorten the ids of children. */
  readonly depth?: number
  /** The span in which the job began, as `traceparent` writes it. Left out if nobody traced it. */
  readonly span?: string
}

/** The part of an outcome that its canonical text does not have; every key may be left out. */
export interface OutcomeFields {
  /** The ids of its facts, in their order. Left out if it has no facts. */
  readonly ids?: ReadonlyArray<string>
  /** The result of a combining function, by the fact's place: its canonical text, or null if the existing fact stayed. */
  readonly combined?: ReadonlyArray<readonly [place: number, text: string | null]>
  readonly trace?: unknown
  readonly tokens?: number
  /** Why it was discarded, with all fields. */
  readonly cause?: CauseJson
  /** How many facts a discarded signal proposed. */
  readonly proposals?: number
}

/** The extra of an outcome; 0 if it has none. */
export type OutcomeExtra = 0 | OutcomeFields

/** What happened between two cycles, as the event log says it. */
export type NoteTag = "Paused" | "Resumed" | "Awaiting"

/** Where the cause that halts the job stands: with an outcome, or by itself. */
export type HaltExtra = readonly ["signal" | "outcome", number] | { readonly cause: CauseJson }

export interface RowExtra {
  readonly signals?: ReadonlyArray<OutcomeExtra>
  readonly outcomes?: ReadonlyArray<OutcomeExtra>
  readonly before?: ReadonlyArray<NoteTag>
  readonly halt?: HaltExtra
  /** The kinds of intents that were committed and are performed by a handler. */
  readonly handled?: ReadonlyArray<string>
  /** When it was committed, in milliseconds since the epoch. */
  readonly at: number
  /** What the job had spent, this cycle included, in milliseconds. */
  readonly ranMs: number
  readonly cpuMs: number
}

export interface BeginningExtra {
  readonly seeds: OutcomeExtra
  readonly violations: ReadonlyArray<unknown>
  readonly halt?: HaltExtra
}

/** What a journal's end says. */
export interface EndExtra {
  readonly status: Status
  /** As JSON; null for a job that converged. */
  readonly cause: CauseJson | null
  /** The output, if it can be written as JSON. */
  readonly output?: unknown
  readonly usage: Usage
}
