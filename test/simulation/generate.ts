/**
 * Programs and schedules at random, by a seed: kinds with every conflict rule, agents of every form, inputs that collide.
 *
 * Boundary: a seed in, plain data out. What it gives is valid: `Program.make` takes it.
 */
import type { Act, PoolFault, Schedule, StoreFault } from "../../src/testing/simulation/schedule.ts"
import { type Random, randomOf, shuffle } from "../../src/values/random.ts"
import { exactly } from "./behave.ts"
import type {
  AgentSpec,
  BudgetSpec,
  Emission,
  FailureWay,
  Faulty,
  HandlerSpec,
  InvariantSpec,
  Item,
  KindSpec,
  ProgramSpec,
  Proposed,
  Rule
} from "./spec.ts"

/** A program and all that happens to it. */
export interface Case {
  readonly program: ProgramSpec
  readonly signals: ReadonlyArray<ReadonlyArray<Proposed>>
  readonly schedule: Schedule
}

class Dice {
  readonly below: Random
  constructor(seed: number) {
    this.below = randomOf(Math.imul(seed, 0x9e3779b1))
  }
  /** Whether one of `of` cases applies. */
  one(of: number): boolean {
    return this.below(of) === 0
  }
  from(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }
  pick<A>(items: ReadonlyArray<A>): A {
    return items[this.below(items.length)]!
  }
  some<A>(items: ReadonlyArray<A>, most: number): ReadonlyArray<A> {
    return shuffle(items, this.below).slice(0, this.from(0, Math.min(most, items.length)))
  }
  times<A>(count: number, make: (index: number) => A): ReadonlyArray<A> {
    return Array.from({ length: count }, (_, index) => make(index))
  }
}

const names = ["A", "B", "C", "D"]
const common: ReadonlyArray<Rule> = ["reject", "keepFirst", "keepLast", "max", "min", "union", "least"]
const odd: ReadonlyArray<Rule> = ["first", "sum", "fussy", "renames"]

const kindOf = (dice: Dice, name: string): KindSpec => ({
  name,
  rule: dice.one(6) ? dice.pick(odd) : dice.pick(common),
  latest: dice.one(4) ? dice.from(1, 3) : undefined
})

const itemOf = (dice: Dice): Item => ({
  k: dice.pick(["a", "b", "c", "d", "m0", "m1"]),
  n: dice.from(-2, 6),
  t: dice.some(["x", "y", "z"], 2)
})

const proposalsOf = (dice: Dice, kinds: ReadonlyArray<string>, most: number): ReadonlyArray<Proposed> => {
  const proposals = dice.times(dice.from(1, most), () => ({ kind: dice.pick(kinds), value: itemOf(dice) }))
  return [...new Map(proposals.map((proposal) => [`${proposal.kind}/${proposal.value.k}`, proposal])).values()]
}

const emissionOf = (dice: Dice, into: string): Emission => ({
  into,
  id: dice.pick(["same", "same", "third", "agent", "longer"]),
  step: dice.from(0, 2),
  below: dice.from(3, 8),
  every: dice.pick([1, 1, 1, 2, 3]),
  because: dice.one(4) ? true : undefined,
  counts: dice.one(6) ? true : undefined
})

const waysToFail: ReadonlyArray<FailureWay> = ["error", "timeout", "panic", "crash", "conflict", "invalid"]

const onFailureOf = (dice: Dice): AgentSpec["onFailure"] => {
  if (dice.one(4)) return "halt"
  if (dice.one(2)) return "discard"
  return Object.fromEntries(waysToFail.map((way) => [way, dice.one(8) ? "halt" : "discard"]))
}

const faultsOf = (
  dice: Dice,
  form: AgentSpec["form"],
  isFiber: boolean,
  isStoppable: boolean
): ReadonlyArray<Faulty> => {
  if (form === "fold" || !dice.one(2)) return []
  const fiber = isFiber ? (["error", "error", "error"] as const) : []
  const stoppable = isStoppable && form !== "join" ? (["slow", "slow"] as const) : []
  const crash = isStoppable && !isFiber && form !== "join" ? (["crash"] as const) : []
  const ways = ["panic", "twice", "undeclared", "misfit", "ghost", "score", ...fiber, ...stoppable, ...crash] as const
  return dice.times(dice.from(1, 2), () => ({
    every: dice.from(2, 5),
    times: dice.pick([1, 2, 99]),
    how: dice.pick(ways)
  }))
}

const agentOf = (dice: Dice, kinds: ReadonlyArray<KindSpec>, index: number): AgentSpec => {
  const named = kinds.map(({ name }) => name)
  const name = dice.pick(["zoe", "adam", "mia", "bob", "eve"]) + index
  const form = dice.pick(["whole", "each", "each", "join", "fold"] as const)
  const totals = kinds.filter(({ latest, rule }) => rule === "keepLast" && latest === undefined)
  const from = dice.pick(named)
  if (form === "fold") {
    const into = totals.find((kind) => kind.name !== from)
    if (into === undefined) return agentOf(dice, kinds, index)
    return {
      ...{ name, form, type: "cpu", from, tier: dice.below(2), takesMs: 0 },
      ...{ reads: [], writes: [into.name], emits: [], faults: [], onFailure: "halt" },
      key: dice.pick(["third", "tags"]),
      aggregate: dice.pick(["sum", "count", "min", "max", "own"]),
      accepts: dice.one(5) ? { kind: from, least: dice.from(1, 3) } : undefined
    }
  }
  const type = form === "join" || dice.one(3) ? "cpu" : "fiber"
  const placement = type === "cpu" ? dice.pick(["worker", "worker", "inline", "auto"] as const) : undefined
  const isStoppable = placement !== "inline"
  const reads = form === "join" || (form === "each" && !dice.one(3)) ? [] : dice.some(named, 2)
  const writes = dice.some(named, 2)
  const emits = writes.flatMap((into) => dice.times(dice.from(1, 2), () => emissionOf(dice, into)))
  const timeoutMs = isStoppable && form !== "join" && dice.one(3) ? 50 : undefined
  const and = form === "join" ? dice.pick(named) : undefined
  const seen = [form === "whole" ? undefined : from, and, ...reads].filter((kind) => kind !== undefined)
  return {
    name,
    form,
    type,
    placement,
    from: form === "whole" ? undefined : from,
    and,
    key: form === "join" ? dice.pick(["third", "tags"]) : undefined,
    reads,
    writes,
    tier: dice.below(2),
    accepts:
      seen.length > 0 && dice.one(4)
        ? { kind: dice.pick(seen), least: dice.from(0, 4), throwsAt: dice.one(4) ? dice.from(0, 5) : undefined }
        : undefined,
    emits,
    faults: faultsOf(dice, form, type === "fiber", isStoppable && timeoutMs !== undefined),
    onFailure: onFailureOf(dice),
    retries: type === "fiber" && dice.one(2) ? dice.from(1, 2) : undefined,
    timeoutMs,
    takesMs: type === "fiber" ? dice.pick([0, 1, 7, 20, 45]) : 0,
    memoize: type === "fiber" && dice.one(2) ? true : undefined,
    concurrency: type === "fiber" && dice.one(6) ? dice.from(1, 2) : undefined,
    intent: dice.one(form === "join" ? 9 : 3) ? dice.pick(["act", "act", "tell", "nobody", "Approval"]) : undefined,
    evaluates: dice.one(4) ? true : undefined,
    tokens: dice.one(4) ? dice.from(1, 3) : undefined
  }
}

/** The kinds that an agent sees. */
const seenBy = ({ and, form, from, reads, writes }: AgentSpec): ReadonlyArray<string> =>
  [from, and, ...reads, ...(form === "fold" ? writes : [])].filter((kind) => kind !== undefined)

/** Puts all agents of the later tier that write for the earlier one into the earlier one (T2). */
export const inTiers = (agents: ReadonlyArray<AgentSpec>): ReadonlyArray<AgentSpec> => {
  const read = agents.filter(({ tier }) => tier === 0).flatMap(seenBy)
  const isBack = ({ tier, writes }: AgentSpec) => tier > 0 && writes.some((kind) => read.includes(kind))
  return agents.some(isBack) ? inTiers(agents.map((agent) => (isBack(agent) ? { ...agent, tier: 0 } : agent))) : agents
}

const invariantOf = (dice: Dice, kinds: ReadonlyArray<string>, index: number): InvariantSpec => {
  const type = dice.pick(["structural", "semantic", "acceptance"] as const)
  return {
    name: `${type}${index}`,
    type,
    kind: dice.pick(kinds),
    most: type === "acceptance" ? undefined : dice.from(2, 7),
    least: type === "acceptance" ? dice.from(0, 3) : undefined,
    remainder: type === "semantic" && dice.one(3) ? dice.below(3) : undefined,
    onViolation: type === "structural" && !dice.one(3) ? "discard" : undefined
  }
}

const handlerOf = (dice: Dice, kind: string, kinds: ReadonlyArray<string>): HandlerSpec => ({
  kind,
  into: dice.one(4) ? undefined : dice.pick(kinds),
  failsEvery: dice.one(3) ? dice.from(2, 5) : undefined,
  hangsEvery: dice.one(5) ? dice.from(2, 5) : undefined,
  attempts: dice.pick([0, 0, 0, 1, 2]),
  onFailure: dice.one(3) ? "halt" : "discard",
  takesMs: dice.pick([0, 0, 5, 40])
})

const budgetOf = (dice: Dice): BudgetSpec => ({
  maxCycles: dice.pick([0, 2, 5, 8, 8, 12, 12]),
  // Joins give the square of what there is.
  maxFacts: dice.one(5) ? dice.from(0, 12) : dice.from(20, 30),
  maxAgents: dice.one(8) ? dice.from(0, 20) : undefined,
  maxTokens: dice.one(5) ? dice.from(0, 15) : undefined,
  maxContextBytes: dice.one(8) ? dice.from(50, 600) : undefined
})

const programOf = (dice: Dice): ProgramSpec => {
  const kinds = names.slice(0, dice.from(2, 4)).map((name) => kindOf(dice, name))
  const named = kinds.map(({ name }) => name)
  const made = dice.times(dice.from(0, 5), (index) => agentOf(dice, kinds, index))
  const agents = dice.one(2) ? made.map((agent) => ({ ...agent, tier: 0 })) : inTiers(made)
  return {
    kinds,
    agents,
    tiers: 2,
    invariants: dice.one(2) ? [] : dice.times(dice.from(1, 2), (index) => invariantOf(dice, named, index)),
    handlers: ["act", "tell"].filter(() => !dice.one(4)).map((kind) => handlerOf(dice, kind, named)),
    budget: budgetOf(dice),
    signals: named.filter(() => !dice.one(3)),
    seeds: dice.one(12) ? [] : proposalsOf(dice, named, 7)
  }
}

/** A program whose agents are joins, folds, and agents with `each` that look at nothing else, and whose facts are never revised. */
const confluentOf = (dice: Dice): ProgramSpec => {
  const kinds: ReadonlyArray<KindSpec> = ["A", "B", "C"].map((name) => ({ name, rule: "reject" }))
  const named = kinds.map(({ name }) => name)
  const agent = (index: number): AgentSpec => {
    const base = {
      ...agentOf(dice, kinds, index),
      reads: [],
      accepts: undefined,
      faults: [],
      tokens: undefined,
      tier: 0
    }
    const emits = base.emits.map((emission): Emission => ({ ...emission, id: "exact", counts: undefined }))
    const form = base.form === "join" ? "join" : "each"
    return { ...base, form, from: base.from ?? dice.pick(named), emits, intent: undefined, evaluates: undefined }
  }
  const fold: AgentSpec = {
    ...{ name: "fold", form: "fold", type: "cpu", from: dice.pick(named), tier: 0, takesMs: 0 },
    ...{ reads: [], writes: ["Total"], emits: [], faults: [], onFailure: "halt", key: "third" },
    aggregate: dice.pick(["sum", "count", "min", "max", "own"])
  }
  return {
    kinds: [...kinds, { name: "Total", rule: "keepLast" }],
    agents: [...dice.times(dice.from(1, 4), agent), fold],
    tiers: 1,
    ...{ invariants: [], handlers: [], budget: { maxCycles: 100 }, signals: named },
    seeds: exactItems(dice, named, 5),
    isConfluent: true
  }
}

const exactItems = (dice: Dice, kinds: ReadonlyArray<string>, most: number): ReadonlyArray<Proposed> => {
  const proposals = dice.times(dice.from(1, most), () => ({ kind: dice.pick(kinds), value: exactly(dice.from(0, 6)) }))
  return [...new Map(proposals.map((proposal) => [`${proposal.kind}/${proposal.value.k}`, proposal])).values()]
}

const storeFaults: ReadonlyArray<StoreFault> = ["full", "lost", "fenced", "slow"]
const poolFaults: ReadonlyArray<PoolFault> = ["claimed", "running", "unsent", "late"]

const actsOf = (dice: Dice, signals: number, steps: number): ReadonlyArray<Act> => {
  const acts: Array<Act> = []
  for (let signal = 0; signal < signals; signal++) acts.push({ at: dice.below(steps), do: "signal", signal })
  if (dice.one(3)) {
    for (const at of dice.times(dice.from(1, 2), () => dice.below(steps))) {
      acts.push({ at, do: "pause", forMs: dice.pick([0, 1, 30, 700]) })
    }
  }
  if (dice.one(3)) for (const at of dice.times(2, () => dice.below(steps))) acts.push({ at, do: "decide" })
  if (dice.one(8)) acts.push({ at: dice.below(steps), do: "cancel" })
  return acts
}

/** A part of the seeds has no faults and no kills, a part has no callers: a difference is easier to understand there. */
const scheduleOf = (dice: Dice, seed: number, { agents }: ProgramSpec, signals: number): Schedule => {
  // The main thread can neither stop a task nor survive its crash.
  const needsWorkers = agents.some(
    ({ faults, type }) => type === "cpu" && faults.some(({ how }) => how === "crash" || how === "slow")
  )
  const steps = dice.pick([30, 100, 300])
  const isFaulty = dice.one(2)
  return {
    seed,
    order: "seeded",
    scans: seed % 3 === 0,
    workers: dice.from(needsWorkers ? 1 : 0, 3),
    kills: isFaulty ? dice.times(dice.pick([0, 1, 1, 2, 4]), () => dice.below(steps)) : [],
    acts: actsOf(dice, signals, steps),
    store: isFaulty
      ? dice.times(dice.pick([0, 0, 1, 2]), () => ({ write: dice.from(1, 8), fault: dice.pick(storeFaults) }))
      : [],
    damages: isFaulty && dice.one(8) ? [dice.from(1, 3)] : [],
    pool: isFaulty
      ? dice.times(dice.pick([0, 1, 2, 4]), () => ({ claim: dice.from(1, 6), fault: dice.pick(poolFaults) }))
      : [],
    delayMs: dice.pick([0, 2, 10])
  }
}

/** The case of a seed. */
export const caseOf = (seed: number): Case => {
  const dice = new Dice(seed)
  const isConfluent = seed % 8 === 0
  const program = isConfluent ? confluentOf(dice) : programOf(dice)
  const count = program.signals.length === 0 || dice.one(2) ? 0 : dice.from(1, 4)
  const items = isConfluent ? exactItems : proposalsOf
  const signals = dice.times(count, () => items(dice, program.signals, 3))
  return { program, signals, schedule: scheduleOf(dice, seed, program, count) }
}
