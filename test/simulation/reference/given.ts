/**
 * The choices that the rules leave open in a job, and the beginning of a job.
 *
 * Boundary: types.
 */
import type { BudgetSpec, HandlerSpec, Item, ProgramSpec, Proposed } from "../spec.ts"
import type { Share } from "./funds.ts"
import type { Cause, Context, Progress, Pruned, Ref } from "./state.ts"

/** A signal, or an approval whose time was over, by the key of its intent. */
export type Input = { readonly signal: ReadonlyArray<Proposed> } | { readonly expired: string }

/** Tokens and cost that an agent has paid. */
export type Sum = readonly [agent: string, tokens: number, cost: number]

/** A task that had no room: it does without the call, or it is discarded for the budget that somebody has used up. */
export type Refused = "does without" | { readonly budget: "tokens" | "cost"; readonly spender: string }

/** Another version of the program, which goes on after a cycle. */
export interface Switch {
  readonly after: number
  readonly program: ProgramSpec
}

export interface Given {
  /** The signals of each cycle in the order of their arrival, and when the time of approvals was over. */
  readonly inputs: ReadonlyMap<number, ReadonlyArray<Input>>
  /** Cycles that admitted answers beside signals. Without signals, the fixed point says when. */
  readonly answered: ReadonlySet<number>
  /** The last cycle of a job that was stopped from outside, or by a clock. */
  readonly cycles: number
  /** Whether it was cancelled: a child is, if a cancel of its parent broke off. */
  readonly isCancelled: boolean
  /** The budget of time that ended it. */
  readonly clock: Cause | undefined
  /** The cycle that a budget of cycles or agents did not allow. */
  readonly lateCycle: number | undefined
  readonly switches: ReadonlyArray<Switch>
  /** The version that a reader of the ended job has, if it is another one. */
  readonly reader: ProgramSpec | undefined
  /** The sums that agents had paid when a cycle was committed, and at the end. */
  readonly paid: (cycle: number) => ReadonlyArray<Sum>
  readonly refused: (cycle: number, agent: string, each: Ref | undefined) => Refused | undefined
  /** The agent whose payment was the first that went over a limit, and the budget, if several did. */
  readonly overspent: Cause | undefined
  /** The child of an intent, by its key; and the words of its error. */
  readonly child: (key: string) => { readonly given: Given; readonly error: unknown } | undefined
}

/** The settings that all jobs of an engine share. */
export interface Engine {
  /** The programs of child jobs. */
  readonly programs: ReadonlyArray<ProgramSpec>
  readonly handlers: ReadonlyArray<HandlerSpec>
  readonly maxDepth: number
}

/** The context of an earlier job that a job stands on (GO1 to GO4). */
export interface Standing {
  readonly context: Context
  readonly hash: string
  /** How far agents have read, by name. */
  readonly progress: ReadonlyMap<string, Progress>
  readonly pruned: ReadonlyArray<Pruned>
}

export interface Beginning {
  readonly program: ProgramSpec
  readonly engine: Engine
  readonly input: Item | null
  /** The limits that the start, or the intent, sets. */
  readonly budget: BudgetSpec
  /** The share of its parent's budget. */
  readonly handed: Share
  readonly depth: number
  readonly standing: Standing | undefined
  /** The facts of a fork: they replace existing ones, and stand in place of seeds. */
  readonly changed: ReadonlyArray<Proposed> | undefined
}
