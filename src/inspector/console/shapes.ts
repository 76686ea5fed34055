/** The answers that the console reads, by the names that it uses. Boundary: types; the server's shapes define them. */
import type { FactRef, Fact, Usage } from "./api.ts"

export interface RepeatedFailure {
  readonly agent: string
  readonly each?: FactRef | null
  readonly _tag: string
  readonly message: string
  readonly count: number
  readonly first: number
  readonly last: number
}

export interface Diagnosis {
  readonly headline: string
  readonly failure: RepeatedFailure | null
  readonly failures: ReadonlyArray<RepeatedFailure>
  readonly otherFailures: number
  readonly changing: ReadonlyArray<{
    readonly kind: string
    readonly id: string
    readonly times: number
    readonly agents: ReadonlyArray<string>
    readonly values: ReadonlyArray<{ readonly cycle: number; readonly agent: string; readonly value: unknown }>
  }>
  readonly growth: ReadonlyArray<{ readonly kind: string; readonly facts: number; readonly perCycle: ReadonlyArray<number> }>
  readonly cycles: { readonly from: number; readonly to: number }
  readonly violated: ReadonlyArray<{ readonly name: string; readonly reason: string }>
}

export interface TaskNow {
  readonly agent: string
  readonly each?: FactRef | null
  readonly part?: number
}

export interface TasksNow {
  readonly cycle: number
  readonly tasks: number
  readonly running: ReadonlyArray<TaskNow & { readonly worker: number; readonly ms: number; readonly attempt: number }>
  readonly waiting: ReadonlyArray<TaskNow & { readonly for: "concurrency" | "budget" | "turn" }>
  readonly waits: number
  readonly pool: { readonly waiting: number; readonly busy: number; readonly size: number }
}

export interface RecordedTask extends TaskNow {
  readonly worker: number
  readonly startMs: number
  readonly tookMs: number
  readonly attempts: number
  readonly discarded?: string | null
}

export interface RecordedCycle {
  readonly cycle: number
  readonly tier: number
  readonly at: number
  readonly tookMs?: number | null
  readonly tasks: number
  readonly facts: number
  readonly discarded: number
  readonly signals: number
  readonly agents: Readonly<Record<string, number>>
  readonly recorded: ReadonlyArray<RecordedTask>
}

export interface TimelinePage {
  readonly cycles: ReadonlyArray<RecordedCycle>
  readonly cursor: string | null
}

export interface Graph {
  readonly agents: ReadonlyArray<{
    readonly name: string
    readonly type: "fiber" | "cpu" | "join" | "fold"
    readonly tier: number
    readonly reads: ReadonlyArray<string>
    readonly each: string | null
    readonly writes: ReadonlyArray<string>
    readonly intents: ReadonlyArray<string>
    readonly timeoutMs: number | null
  }>
  readonly kinds: ReadonlyArray<{ readonly name: string; readonly conflict: string; readonly latest: number | null }>
  readonly signals: ReadonlyArray<string>
  readonly invariants: ReadonlyArray<{ readonly name: string; readonly class: string }>
}

export type { Fact, FactRef, Usage }
