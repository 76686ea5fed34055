/**
 * The state of a job in the reference. Lists are replaced, never changed, so that a step back is the state from before.
 *
 * Boundary: types, and what can be read of them.
 */
import type { Shown, Sight } from "../behave.ts"
import type { Item, KindSpec, Payload, ProgramSpec } from "../spec.ts"

export interface Ref {
  readonly kind: string
  readonly id: string
}

/** The source of a fact (G12). */
export interface By {
  readonly cycle: number
  readonly origin: "seed" | "signal" | "agent" | "invariant"
  readonly agent: string
  readonly each: Ref | undefined
  readonly since: number
  readonly until: number
}

/** A committed fact. Violations have another value. */
export interface Entry extends Shown {
  readonly text: string
  readonly position: number
  readonly by: By
  readonly because: ReadonlyArray<number> | undefined
  /** The position of the fact that it revised. */
  readonly revises: number | undefined
}

export interface Evaluation {
  readonly fact: Ref
  readonly score: number
  readonly reason: string
  readonly agent: string
  readonly cycle: number
}

/** The facts of a job, and how many of them budgets count. */
export interface Context {
  /** The live facts, in commit order. */
  readonly live: ReadonlyArray<Entry>
  readonly version: number
  readonly facts: number
  readonly tokens: number
  readonly evaluations: ReadonlyArray<Evaluation>
}

/**
 * The key of an intent: the cycle, the agent, the fact of its task, and its number in the effect. A slash after a number in the
 * fact's id is encoded, so that no key ends with another one, and so is a percent sign that would read as an escape.
 */
export const keyOf = (cycle: number, agent: string, each: Ref | undefined, index: number): string => {
  const about = each === undefined ? "" : `${JSON.stringify(each.kind)}/${encodedId(each.id)}`
  return `${cycle}/${agent}/${about}/${index}`
}

const encodedId = (id: string): string => {
  const parts = id.replaceAll(/%(?=2[25F])/g, "%25").split("/")
  return parts
    .map((part, place) => (place === parts.length - 1 ? part : /^\d+$/.test(part) ? `${part}%2F` : `${part}/`))
    .join("")
}

export const nothing: Context = { live: [], version: 0, facts: 0, tokens: 0, evaluations: [] }

/** A fact that retention pruned. */
export type Pruned = Entry

/** The reading of an agent: facts up to a position (E4), and the facts that were there then. */
export interface Progress {
  readonly mark: number
  readonly hasExecuted: boolean
  readonly seen: ReadonlyArray<Entry>
  /** The number of prunings that it knows of. */
  readonly pruned: number
}

/** An intent that is performed and has no answer. */
export interface Waiting {
  /** Names it within its job. */
  readonly key: string
  /** Its number in commit order. */
  readonly order: number
  readonly kind: string
  readonly payload: Payload
  readonly agent: string
  readonly cycle: number
  readonly each: Ref | undefined
  readonly index: number
}

/** A cause, without the words of its message. */
export interface Cause {
  readonly _tag: string
  readonly [field: string]: unknown
}

/** A validated effect. */
export interface Effect {
  readonly facts: ReadonlyArray<{
    readonly kind: string
    readonly id: string
    readonly value: Item
    readonly text: string
    readonly because: ReadonlyArray<number> | undefined
  }>
  readonly intents: ReadonlyArray<{
    readonly kind: string
    readonly payload: Payload
  }>
  readonly evaluations: ReadonlyArray<{ readonly fact: Ref; readonly score: number; readonly reason: string }>
  readonly tokens: number
}

export const noEffect: Effect = { facts: [], intents: [], evaluations: [], tokens: 0 }

/** The outcome of an effect. */
export interface Outcome {
  readonly agent: string
  readonly each?: Ref | undefined
  readonly answers?: Waiting | undefined
  readonly cause?: Cause | undefined
  readonly effect?: Effect | undefined
  readonly proposals?: number | undefined
  readonly facts: ReadonlyArray<Entry>
  readonly notCommutative?: ReadonlyArray<Cause> | undefined
}

export const find = ({ live }: Context, kind: string, id: string): Entry | undefined =>
  live.find((entry) => entry.kind === kind && entry.id === id)

export const ofKind = ({ live }: Context, kind: string): ReadonlyArray<Entry> =>
  live.filter((entry) => entry.kind === kind)

/** UTF-8 bytes of all live facts. */
export const bytesOf = ({ live }: Context): number => live.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)

/** The kinds that every program has: decisions about approvals, and the ends of child jobs. */
export const builtIn: ReadonlyArray<KindSpec> = [
  { name: "Decision", rule: "reject" },
  { name: "ChildResult", rule: "reject" }
]

/** The id of a value. */
export const idOf = (kind: string, value: unknown): string => {
  const { approval, child, k } = value as { readonly approval?: string; readonly child?: string; readonly k?: string }
  return (kind === "Decision" ? approval : kind === "ChildResult" ? child : k) ?? ""
}

export const kindOf = (program: ProgramSpec, name: string): KindSpec => {
  const known = builtIn.find((kind) => kind.name === name)
  if (known !== undefined) return known
  const kind = program.kinds.find((kind) => kind.name === name)
  if (kind === undefined) throw new Error(`there is no kind ${name}`)
  return kind
}

/** The view of an agent: the context, and as new the facts that were committed after its mark (G1, E5). */
export const sightOf = (context: Context, since: number): Sight => ({
  all: (kind) => ofKind(context, kind),
  delta: (kind) => ofKind(context, kind).filter(({ position }) => position > since),
  size: (kind) => ofKind(context, kind).length
})
