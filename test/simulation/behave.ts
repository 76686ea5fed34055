/**
 * The part of a program that is the user's: what its agents, kinds, invariants and handlers compute. The real program and the
 * reference call the same functions, since they are not in question.
 *
 * Boundary: pure functions of what they are shown.
 */
import type {
  AgentSpec,
  BudgetSpec,
  Emission,
  HandlerSpec,
  InvariantSpec,
  Item,
  MigrationSpec,
  Payload,
  Proposed,
  Rule
} from "./spec.ts"

/** A fact, as a view or the reference shows it. */
export interface Shown {
  readonly kind: string
  readonly id: string
  readonly value: Item
}

/** An item of an execution, and the fact that it stands for. */
export interface About {
  readonly value: Item
  /** Undefined for an agent that reads nothing. */
  readonly fact: Shown | undefined
}

/** The view of an agent. */
export interface Sight {
  readonly all: (kind: string) => ReadonlyArray<Shown>
  readonly delta: (kind: string) => ReadonlyArray<Shown>
  readonly size: (kind: string) => number
}

/** The output of an agent, before it is validated. */
export interface Output {
  readonly facts: ReadonlyArray<{
    readonly kind: string
    readonly value: Item
    readonly because?: ReadonlyArray<Shown> | undefined
  }>
  readonly intents: ReadonlyArray<{
    readonly kind: string
    readonly payload: Payload
  }>
  readonly evaluations: ReadonlyArray<{
    readonly fact: { readonly kind: string; readonly id: string }
    readonly score: number
    readonly reason: string
  }>
  readonly tokens: number
}

/** The kinds of intents that ask for an approval, and for a child job. */
export const approvalKind = "Approval"
export const childKind = "ChildJob"

/** The kinds of facts that every program has beside its own, and that agents read as items. */
export const builtInKinds = ["Decision", "ChildResult"]

/** A fact as an item: that of a built-in kind has no number and no tags of its own. */
export const itemOf = ({ kind, value }: Shown): Item => {
  if (kind === "Decision") {
    const { approval, approved, by } = value as unknown as Readonly<Record<string, string | boolean>>
    return { k: String(approval), n: approved === true ? 1 : 0, t: [String(by)] }
  }
  if (kind !== "ChildResult") return value
  const { child, output, status } = value as unknown as {
    readonly child: string
    readonly status: string
    readonly output: ReadonlyArray<readonly [string, number]> | null
  }
  return { k: child.slice(-4), n: (output ?? []).reduce((sum, [, size]) => sum + size, 0), t: [status] }
}

/* ---------------------------------------------------------------- keys */

/** The keys of an item: one of three by its number, or its tags. */
export const keysOf = (key: AgentSpec["key"], { n, t }: Item): ReadonlyArray<string | number> =>
  key === "tags" ? t : [((n % 3) + 3) % 3]

/** The group of an item in a fold. */
export const groupOf = (key: AgentSpec["key"], item: Item): string | number => keysOf(key, item)[0] ?? "none"

/* ---------------------------------------------------------------- rules */

/** The functions among the rules. */
export const combine = (rule: Rule, existing: Item, proposed: Item): Item => {
  switch (rule) {
    case "least":
      return existing.n < proposed.n || (existing.n === proposed.n && text(existing) <= text(proposed))
        ? existing
        : proposed
    case "first":
      return existing
    case "sum":
      return { ...existing, n: existing.n + proposed.n }
    case "fussy":
      if ((existing.n + proposed.n) % 5 === 4) throw new Error("fussy")
      return existing.n >= proposed.n ? existing : proposed
    case "renames":
      return existing.n === proposed.n ? existing : { ...proposed, k: `${proposed.k}!` }
    default:
      throw new Error(`${rule} is no function`)
  }
}

const text = (item: Item): string => JSON.stringify([item.k, item.n, item.t])

/* ---------------------------------------------------------------- agents */

/** Whether a fault shows for an item. */
export const faultOf = (agent: AgentSpec, item: Item | undefined, attempt: number) =>
  agent.faults.find(({ every, times }) => item !== undefined && item.n % every === 0 && attempt <= times)?.how

/** The items that an execution is about: its fact, or all that is new of the kinds that it reads. */
export const itemsOf = (agent: AgentSpec, fact: Shown | undefined, sight: Sight): ReadonlyArray<About> => {
  if (fact !== undefined) return [{ value: itemOf(fact), fact }]
  if (agent.reads.length === 0) return [{ value: { k: agent.name, n: 0, t: [] }, fact: undefined }]
  return agent.reads.flatMap((kind) => sight.delta(kind)).map((fact) => ({ value: itemOf(fact), fact }))
}

/** The item of a pair. */
export const pairOf = (left: Shown, right: Shown): ReadonlyArray<About> => {
  const [a, b] = [left.value, right.value]
  return [{ value: { k: `${a.k}${b.k}`.slice(0, 6), n: a.n + b.n, t: a.t }, fact: left }]
}

/** The one item with a number. */
export const exactly = (n: number): Item => ({ k: `x${n}`, n, t: n % 2 === 0 ? ["x", "y"] : ["y"] })

const idFor = (agent: AgentSpec, { id }: Emission, { k, n }: Item): string => {
  switch (id) {
    case "same":
      return k
    case "third":
      return `m${((n % 3) + 3) % 3}`
    case "agent":
      return agent.name
    case "longer":
      return `${k}+`.slice(-6)
    case "exact":
      return `x${n}`
  }
}

/** The effect of an agent for some items, on the first of which its faults depend. Throws if the agent panics. */
export const behave = (agent: AgentSpec, items: ReadonlyArray<About>, sight: Sight, attempt: number): Output => {
  const how = faultOf(agent, items[0]?.value, attempt)
  if (how === "panic") throw new Error("panicked")
  const facts = new Map<string, Output["facts"][number]>()
  const intents: Array<Output["intents"][number]> = []
  const evaluations: Array<Output["evaluations"][number]> = []
  for (const { fact, value } of items) {
    for (const emission of agent.emits) {
      const { because, below, counts, every, into, step } = emission
      if (value.n >= below || value.n % every !== 0) continue
      const exact = emission.id === "exact" ? exactly(value.n + step) : undefined
      const k = exact?.k ?? idFor(agent, emission, value)
      const n = counts === true ? agent.reads.reduce((sum, kind) => sum + sight.size(kind), 0) : value.n + step
      const proposal = { kind: into, value: exact ?? { k, n, t: value.t } }
      if (!facts.has(`${into}/${k}`))
        facts.set(`${into}/${k}`, because === true && fact !== undefined ? { ...proposal, because: [fact] } : proposal)
      if (agent.intent !== undefined) intents.push({ kind: agent.intent, payload: payloadOf(agent, proposal.value) })
    }
    if (agent.evaluates === true && fact !== undefined) {
      evaluations.push({
        fact: { kind: fact.kind, id: fact.id },
        score: (((value.n % 5) + 5) % 5) / 5,
        reason: `of ${value.n}`
      })
    }
  }
  const output = { facts: [...facts.values()], intents, evaluations, tokens: agent.tokens ?? 0 }
  return how === undefined ? output : spoilt(agent, output, how)
}

/** The payload of an intent for a proposed item. */
const payloadOf = ({ approvalMs, child, intent, onTimeout }: AgentSpec, item: Item): Payload => {
  const { k, n } = item
  if (intent === approvalKind) {
    const late = onTimeout === undefined ? {} : { onTimeout }
    return { id: `may ${k}`, ...(approvalMs === undefined ? {} : { timeoutMs: approvalMs, ...late }) }
  }
  if (intent !== childKind || child === undefined) return { k, n }
  const { budget, isNamed, program, reports } = child
  return {
    ...{ program, input: item },
    ...(isNamed ? { id: `child ${k}` } : {}),
    ...(reports ? { onFailure: "report" as const } : {}),
    ...(budget === undefined ? {} : { budget: limitsIn(budget) })
  }
}

/** The limits that a budget sets. */
export const limitsIn = (budget: BudgetSpec): BudgetSpec =>
  Object.fromEntries(Object.entries(budget).filter(([, limit]) => limit !== undefined))

/** The seeds of a program: its own, and its input as a fact of its first kind. */
export const seedsOf = (
  {
    kinds: [first],
    seeds
  }: { readonly kinds: ReadonlyArray<{ readonly name: string }>; readonly seeds: ReadonlyArray<Proposed> },
  input: Item | null
): ReadonlyArray<Proposed> => {
  if (input === null || first === undefined) return seeds
  return [
    ...seeds.filter(({ kind, value }) => kind !== first.name || value.k !== input.k),
    { kind: first.name, value: input }
  ]
}

/** A fact of an earlier version, as the next one has it; undefined: it has it no more. */
export const migrated = ({ adds, drops }: MigrationSpec, value: Item): Item | undefined =>
  drops !== undefined && value.n % drops === 0 ? undefined : { ...value, n: value.n + adds }

const bad: Item = { k: "bad", n: 1, t: [] }

/** An output that is not valid. */
const spoilt = (agent: AgentSpec, output: Output, how: string): Output => {
  const [kind = "none"] = agent.writes
  const fact = { kind, id: "nobody" }
  switch (how) {
    case "twice":
      return {
        ...output,
        facts: [
          { kind, value: bad },
          { kind, value: bad }
        ]
      }
    case "undeclared":
      return { ...output, facts: [...output.facts, { kind: "Nowhere", value: bad }] }
    case "misfit":
      return { ...output, facts: [...output.facts, { kind, value: { ...bad, n: "many" as unknown as number } }] }
    case "ghost":
      return { ...output, evaluations: [...output.evaluations, { fact, score: 1, reason: "" }] }
    case "score":
      return { ...output, evaluations: [...output.evaluations, { fact, score: 2, reason: "" }] }
    default:
      return output
  }
}

/** Whether an agent accepts. */
export const accepts = ({ accepts: rule }: AgentSpec, sight: Sight): boolean => {
  if (rule === undefined) return true
  const size = sight.size(rule.kind)
  if (size === rule.throwsAt) throw new Error("accepts threw")
  return size >= rule.least
}

/** The total of a group by aggregates of the engine. */
export const totalOf = (key: string | number, item: number | undefined): Item => ({
  k: String(key),
  n: item ?? -1,
  t: []
})

/** The total of a group by functions of the program. */
export const added = (total: Item | undefined, { n }: Item, key: string | number): Item => ({
  k: String(key),
  n: (total?.n ?? 0) + n,
  t: []
})
export const removed = (total: Item, { n }: Item): Item => ({ ...total, n: total.n - n })

/* ---------------------------------------------------------------- invariants and handlers */

/** The verdict of an invariant: true, or the reason why not. */
export const verdictOf = ({ kind, least, most, remainder }: InvariantSpec, size: number): true | string => {
  if (most !== undefined && size > most) return `${kind} has ${size}`
  if (least !== undefined && size < least) return `${kind} has only ${size}`
  return remainder !== undefined && size % 3 === remainder ? `${kind} has the remainder of ${size}` : true
}

export type HandlerFailure =
  | { readonly _tag: "HandlerError"; readonly n: number }
  /** It does not answer at all. */
  | { readonly _tag: "HandlerTimedOut" }

/** The answer of a handler. */
export const answerOf = (
  { failsEvery, hangsEvery, into }: HandlerSpec,
  { k = "", n = 0 }: Payload
): ReadonlyArray<Proposed> | HandlerFailure => {
  if (hangsEvery !== undefined && n % hangsEvery === 0) return { _tag: "HandlerTimedOut" }
  if (failsEvery !== undefined && n % failsEvery === 0) return { _tag: "HandlerError", n }
  return into === undefined ? [] : [{ kind: into, value: { k: `a${k}`.slice(0, 4), n: n + 1, t: ["answer"] } }]
}
