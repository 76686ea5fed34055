/**
 * The view that an agent is given: read-only, of the context as it was when its cycle began (G1).
 *
 * It is the same interface in a fiber, in a worker thread, in `accepts`, in invariants and in a program's `output`. Boundary:
 * types; the implementation is contextView.ts.
 */
import type * as Option from "effect/Option"
import type { FactOf, FactRef, Kind } from "./Fact.ts"

/** A score that an agent gave to a fact, as it was committed. */
export interface CommittedEvaluation {
  readonly fact: FactRef
  /** From 0 to 1. */
  readonly score: number
  readonly reason: string
  /** The agent that gave it, and the cycle that committed it. */
  readonly agent: string
  readonly cycle: number
}

/**
 * A read-only view of a job's context.
 *
 * Facts come in commit order (a revised fact at the place of its revision). Values, facts and the arrays are deeply
 * frozen: a write throws. Only the kinds in the agent's `reads` and `each` are visible; asking for another throws, and
 * does not compile. A view that is kept and used after its cycle throws.
 */
export interface View<in Reads extends Kind.Any> {
  /** All facts of a kind. Costs its size the first time in a version, nothing after. */
  readonly all: <K extends Reads>(kind: K) => ReadonlyArray<FactOf<K>>
  /** The facts of a kind committed or revised since this agent last executed. Costs their number. */
  readonly delta: <K extends Reads>(kind: K) => ReadonlyArray<FactOf<K>>
  /** The fact with this id. */
  readonly get: <K extends Reads>(kind: K, id: Kind.Id<K>) => Option.Option<FactOf<K>>
  /**
   * The facts of a kind that have this key in one of its indexes, in commit order: a frozen array. Costs their number, and what
   * is new since an index of the kind was asked for last.
   */
  readonly by: <K extends Reads, Index extends keyof Kind.Keys<K> & string>(
    kind: K,
    index: Index,
    key: Kind.Keys<K>[Index]
  ) => ReadonlyArray<FactOf<K>>
  /** How many facts of a kind there are. */
  readonly size: (kind: Reads) => number
  /** The commit position of the newest fact of the whole context. */
  readonly version: number
  /** The cycle that this execution belongs to. */
  readonly cycle: number
  /**
   * The job's input, deeply frozen. An agent may belong to several programs, so its type is not known here: say what it is with a
   * type of your input's schema, `view.input as typeof Input.Type`. A program's `output` knows its type.
   */
  readonly input: unknown
  /** The id of the job. Facts that depend on it give each job another hash. */
  readonly jobId: string
  /** The evaluations of a fact of a visible kind, in commit order. */
  readonly evaluations: (fact: Kind.Ref<Reads>) => ReadonlyArray<CommittedEvaluation>
  /**
   * Reports progress to `job.telemetry`. Not sequenced, not hashed, lost under pressure; `value` is copied as plain data
   * (what cannot be copied is reported as its type's name).
   */
  readonly progress: (value: unknown) => void
}
