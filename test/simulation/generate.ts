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
  Amount,
  BudgetSpec,
  ChildSpec,
  Emission,
  FailureWay,
  Faulty,
  HandlerSpec,
  InvariantSpec,
  Item,
  KindSpec,
  PaySpec,
  ProgramSpec,
  Proposed,
  Rule
} from "./spec.ts"

/** A job that goes on from the first: on the context of its end, or as a fork after a cycle with changed facts. */
export type Sequel =
  | { readonly do: "go on"; readonly program: ProgramSpec }
  | { readonly do: "fork"; readonly at: number; readonly changed: ReadonlyArray<Proposed> }

/** A program and all that happens to it. */
export interface Case {
  readonly program: ProgramSpec
  /** The versions of the program in the lives after the first. */
  readonly versions: ReadonlyArray<ProgramSpec>
  /** The programs of child jobs. */
  readonly children: ReadonlyArray<ProgramSpec>
  readonly limits: { readonly maxDepth: number; readonly maxChildJobs: number; readonly fiberConcurrency: number }
  readonly sequel?: Sequel | undefined
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

/** An agent that surely does what a program is about: it starts children, pays, or asks for approvals. */
const starterOf = (dice: Dice, kinds: ReadonlyArray<string>, makings: Makings): ReadonlyArray<AgentSpec> => {
  const { children, hasMoney, suffix } = makings
  const isAsking = children.length > 0 && !dice.one(6)
  const isTimed = !isAsking && dice.one(8)
  if (!isAsking && !hasMoney && !isTimed) return []
  // The input of a child is a fact of its first kind.
  const from = suffix === "" ? dice.pick(kinds) : kinds[0]!
  const emission = { ...emissionOf(dice, dice.pick(kinds)), step: dice.from(0, 1), below: dice.from(3, 7), every: 1 }
  return [
    {
      ...{ name: `ann${suffix}`, form: "each", type: "fiber", from, reads: [], writes: [emission.into] },
      ...{ tier: dice.below(2), emits: [emission], faults: [], onFailure: "discard", takesMs: dice.pick([0, 5, 30]) },
      ...(isAsking ? { intent: "ChildJob", child: childOf(dice, children) } : {}),
      ...(isTimed ? timedApproval(dice) : {}),
      ...(hasMoney ? { pays: payOf(dice) } : {}),
      memoize: dice.one(2) ? true : undefined
    }
  ]
}

/** The properties of a program by which its agents are made. */
interface Makings {
  /** It ends the names of its agents, so that no two programs have agents of one name. */
  readonly suffix: string
  /** The programs that it may start as children. */
  readonly children: ReadonlyArray<string>
  readonly hasMoney: boolean
  /** Whether somebody decides its approvals. */
  readonly isDecided: boolean
}

const agentOf = (dice: Dice, kinds: ReadonlyArray<KindSpec>, index: number, makings: Makings): AgentSpec => {
  const named = kinds.map(({ name }) => name)
  const name = dice.pick(["zoe", "adam", "mia", "bob", "eve"]) + index + makings.suffix
  const form = dice.pick(["whole", "each", "each", "join", "fold"] as const)
  const totals = kinds.filter(({ latest, rule }) => rule === "keepLast" && latest === undefined)
  const own = dice.pick(named)
  if (form === "fold") {
    const from = own
    const into = totals.find((kind) => kind.name !== from)
    if (into === undefined) return agentOf(dice, kinds, index, makings)
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
  const builtIn = makings.children.length > 0 ? ["ChildResult", "Decision"] : ["Decision"]
  const foreign = form !== "join" && dice.one(5) ? dice.pick(builtIn) : undefined
  const from = form === "each" ? (foreign ?? own) : own
  const read = form === "join" || (form === "each" && !dice.one(3)) ? [] : dice.some(named, 2)
  const reads = form === "whole" && foreign !== undefined ? [...read, foreign] : read
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
    ...(type === "fiber" && dice.one(6) ? { concurrency: dice.from(1, 2) } : {}),
    ...(type === "fiber" && dice.one(12) ? { concurrency: dice.from(1, 3), gapMs: dice.pick([5, 30]) } : {}),
    ...intentOf(dice, form, makings),
    ...(type === "fiber" && makings.hasMoney && timeoutMs === undefined && dice.one(2) ? { pays: payOf(dice) } : {}),
    evaluates: dice.one(4) ? true : undefined,
    tokens: dice.one(4) ? dice.from(1, 3) : undefined
  }
}

/** The intents of an agent. Nobody but their timeouts decides the approvals of a child. */
const intentOf = (dice: Dice, form: AgentSpec["form"], { children, isDecided }: Makings): Partial<AgentSpec> => {
  if (children.length > 0 && form !== "join" && dice.one(3))
    return { intent: "ChildJob", child: childOf(dice, children) }
  if (!dice.one(form === "join" ? 9 : 3)) return {}
  const intent = dice.pick(["act", "act", "tell", "nobody", "Approval"])
  const isTimed = intent === "Approval" && (!isDecided || dice.one(2))
  return isTimed ? timedApproval(dice) : { intent }
}

const timedApproval = (dice: Dice): Partial<AgentSpec> => ({
  intent: "Approval",
  approvalMs: dice.pick([0, 5, 30, 400, 4_000]),
  onTimeout: dice.pick([undefined, "approve", "reject", "halt"])
})

const childOf = (dice: Dice, children: ReadonlyArray<string>): ChildSpec => ({
  program: dice.one(20) ? "nowhere" : dice.pick(children),
  reports: !dice.one(3),
  isNamed: dice.one(2),
  budget: dice.one(3) ? someBudget(dice) : undefined
})

const someBudget = (dice: Dice): BudgetSpec => ({
  maxCycles: dice.one(3) ? dice.from(0, 6) : undefined,
  maxFacts: dice.one(3) ? dice.from(0, 12) : undefined,
  maxAgents: dice.one(3) ? dice.from(0, 9) : undefined,
  maxTokens: dice.one(3) ? dice.from(0, 9) : undefined,
  maxCost: dice.one(3) ? dice.from(0, 30) : undefined
})

const amountOf = (dice: Dice): Amount => ({ tokens: dice.from(0, 2), cost: dice.pick([0, 1, 3, 5]) })

const payOf = (dice: Dice): PaySpec => {
  const reserves = dice.one(6) ? undefined : amountOf(dice)
  const most = reserves ?? { tokens: 1, cost: 2 }
  const pays = dice.one(8) ? amountOf(dice) : { tokens: dice.from(0, most.tokens), cost: dice.from(0, most.cost) }
  return { reserves, pays: dice.one(6) ? undefined : pays, catches: dice.one(2), takesMs: dice.pick([0, 3, 25]) }
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

const budgetOf = (dice: Dice, hasMoney: boolean): BudgetSpec => ({
  maxCycles: dice.pick([0, 2, 5, 8, 8, 12, 12]),
  // Joins give the square of what there is.
  maxFacts: dice.one(5) ? dice.from(0, 12) : dice.from(20, 30),
  maxAgents: dice.one(8) ? dice.from(0, 20) : undefined,
  maxTokens: dice.one(5) ? dice.from(0, 15) : undefined,
  maxContextBytes: dice.one(8) ? dice.from(50, 600) : undefined,
  maxCost: hasMoney && !dice.one(3) ? dice.from(0, 25) : undefined
})

const programOf = (dice: Dice, name: string, count: number, makings: Makings): ProgramSpec => {
  const kinds = names.slice(0, count).map((kind) => kindOf(dice, kind))
  const named = kinds.map((kind) => kind.name)
  const made = dice.times(dice.from(0, 5), (index) => agentOf(dice, kinds, index, makings))
  const starters = starterOf(dice, named, makings)
  const all = [...made, ...starters]
  const own = starters.map(({ from = "" }): Proposed => ({ kind: from, value: { ...itemOf(dice), n: dice.below(3) } }))
  const others = dice.one(12) ? [] : proposalsOf(dice, named, 7)
  const agents = dice.one(2) ? all.map((agent) => ({ ...agent, tier: 0 })) : inTiers(all)
  return {
    ...{ name, version: "1", kinds, agents },
    tiers: 2,
    invariants: dice.one(2) ? [] : dice.times(dice.from(1, 2), (index) => invariantOf(dice, named, index)),
    handlers: ["act", "tell"].filter(() => !dice.one(4)).map((kind) => handlerOf(dice, kind, named)),
    budget: budgetOf(dice, makings.hasMoney),
    signals: named.filter(() => !dice.one(3)),
    seeds: [
      ...own,
      ...others.filter(({ kind, value: { k } }) => !own.some((seed) => seed.kind === kind && seed.value.k === k))
    ]
  }
}

/** A child program: smaller than its parent, since there may be many jobs of it. */
const childProgramOf = (dice: Dice, name: string, count: number, makings: Makings): ProgramSpec => {
  const { agents, budget, seeds, ...rest } = programOf(dice, name, count, makings)
  const few = agents.slice(0, 3)
  return {
    ...rest,
    agents: few,
    seeds: seeds.slice(0, 2),
    budget: { ...budget, maxContextBytes: undefined, maxCycles: dice.one(2) ? 6 : undefined }
  }
}

/** A later version of a program: other agents, other conflict rules, another budget, which does not count. */
const versionOf = (dice: Dice, before: ProgramSpec, number: number, makings: Makings): ProgramSpec => {
  const { agents, kinds } = before
  const hasFolds = agents.some(({ form }) => form === "fold")
  const isMigrated = !hasFolds && dice.one(2)
  const changed = isMigrated
    ? kinds.map((kind) => (dice.one(2) ? { ...kindOf(dice, kind.name), name: kind.name } : kind))
    : kinds
  const kept = agents.filter(() => !dice.one(4)).map((agent) => (dice.one(4) ? { ...agent, tokens: 1 } : agent))
  const made = dice.times(dice.below(3), (index) => agentOf(dice, changed, 5 + index, makings))
  const all = [...kept, ...made.filter(({ form }) => !isMigrated || form !== "fold")]
  return {
    ...before,
    version: String(number),
    kinds: changed,
    agents: inTiers(dice.one(2) ? all : all.toReversed()),
    migration: { adds: dice.pick([0, 1, 10]), drops: dice.one(3) ? dice.from(2, 4) : undefined },
    budget: { ...before.budget, maxFacts: 15, maxCycles: 9 }
  }
}

const plainMakings: Makings = { suffix: "", children: [], hasMoney: false, isDecided: true }

/** A program whose agents are joins, folds, and agents with `each` that look at nothing else, and whose facts are never revised. */
const confluentOf = (dice: Dice): ProgramSpec => {
  const kinds: ReadonlyArray<KindSpec> = ["A", "B", "C"].map((name) => ({ name, rule: "reject" }))
  const named = kinds.map(({ name }) => name)
  const agent = (index: number): AgentSpec => {
    const base = {
      ...agentOf(dice, kinds, index, plainMakings),
      reads: [],
      accepts: undefined,
      faults: [],
      tokens: undefined,
      tier: 0
    }
    const emits = base.emits.map((emission): Emission => ({ ...emission, id: "exact", counts: undefined }))
    const form = base.form === "join" ? "join" : "each"
    const from = named.includes(base.from ?? "") ? base.from : dice.pick(named)
    return { ...base, form, from, emits, intent: undefined, evaluates: undefined }
  }
  const fold: AgentSpec = {
    ...{ name: "fold", form: "fold", type: "cpu", from: dice.pick(named), tier: 0, takesMs: 0 },
    ...{ reads: [], writes: ["Total"], emits: [], faults: [], onFailure: "halt", key: "third" },
    aggregate: dice.pick(["sum", "count", "min", "max", "own"])
  }
  return {
    ...{ name: "simulated", version: "1" },
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
const scheduleOf = (dice: Dice, seed: number, whole: Omit<Case, "schedule">): Schedule => {
  const { children, program, sequel, signals, versions } = whole
  const programs = [program, ...versions, ...children, ...(sequel?.do === "go on" ? [sequel.program] : [])]
  // The main thread can neither stop a task nor survive its crash.
  const needsWorkers = programs.some(({ agents, budget }) => budget.maxCpuTime !== undefined || agents.some(isStopped))
  const steps = dice.pick([30, 100, 300]) * (children.length > 0 || sequel !== undefined ? dice.pick([1, 3]) : 1)
  const isFaulty = versions.length > 0 || dice.one(2)
  const kills = versions.length > 0 ? dice.from(1, 4) : dice.pick([0, 1, 1, 2, 4])
  return {
    seed,
    order: "seeded",
    // A scan would take a later job up with the program of the first.
    scans: seed % 3 === 0 && sequel === undefined,
    workers: dice.from(needsWorkers ? 1 : 0, 3),
    kills: isFaulty ? dice.times(kills, () => dice.below(steps)) : [],
    acts: actsOf(dice, signals.length, steps),
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

const isStopped = ({ faults, type }: AgentSpec): boolean =>
  type === "cpu" && faults.some(({ how }) => how === "crash" || how === "slow")

/** Limits in virtual time. CPU time is counted on workers alone. */
const withClocks = (dice: Dice, program: ProgramSpec): ProgramSpec => {
  const budget = {
    ...program.budget,
    maxDuration: dice.one(2) ? dice.pick([0, 10, 60, 300]) : undefined,
    maxCpuTime: dice.one(2) ? dice.pick([0, 10, 40]) : undefined
  }
  const agents = program.agents.map((agent) =>
    agent.placement === undefined ? agent : { ...agent, placement: "worker" as const }
  )
  return { ...program, agents, budget }
}

/** The programs of the children of a job: one that has no children, and one that may start it, and itself. */
const childrenOf = (dice: Dice, count: number, hasMoney: boolean): ReadonlyArray<ProgramSpec> => {
  const leaf = { suffix: "q", children: [], hasMoney, isDecided: false }
  const branch = { suffix: "p", children: ["leaf", "branch"], hasMoney, isDecided: false }
  return [childProgramOf(dice, "leaf", count, leaf), childProgramOf(dice, "branch", count, branch)]
}

const sequelOf = (dice: Dice, program: ProgramSpec, last: ProgramSpec, makings: Makings): Sequel => {
  const named = last.kinds.map(({ name }) => name)
  if (dice.one(2))
    return { do: "fork", at: dice.pick([0, 1, 2, 3, 99]), changed: dice.one(6) ? [] : proposalsOf(dice, named, 3) }
  if (dice.one(2)) return { do: "go on", program: last }
  const other = programOf(dice, dice.one(2) ? "another" : "simulated", program.kinds.length, {
    ...makings,
    suffix: "s"
  })
  const free = { ...other, budget: { ...other.budget, maxContextBytes: undefined } }
  // A program of the same name has the same kinds: it may have other agents.
  return {
    do: "go on",
    program: other.name === "another" ? free : { ...free, kinds: last.kinds, agents: withKinds(other.agents, last) }
  }
}

/** Folds write to a kind that keeps the last value, and has no retention. */
const withKinds = (agents: ReadonlyArray<AgentSpec>, { kinds }: ProgramSpec): ReadonlyArray<AgentSpec> =>
  agents.filter(({ form, writes: [into] }) => {
    const kind = kinds.find(({ name }) => name === into)
    return form !== "fold" || (kind?.rule === "keepLast" && kind.latest === undefined)
  })

/** A job with what a job may have beside its program: children, money, clocks, versions, and a job that goes on from it. */
const wholeOf = (dice: Dice): Omit<Case, "schedule"> => {
  const count = dice.from(2, 4)
  const hasMoney = dice.one(4)
  const children = dice.one(4) ? childrenOf(dice, count, hasMoney) : []
  const makings = { suffix: "", children: children.map(({ name }) => name), hasMoney, isDecided: true }
  const first = programOf(dice, "simulated", count, makings)
  const made = children.length === 0 ? first : { ...first, budget: parentBudget(dice, first.budget) }
  const program = dice.one(12) ? withClocks(dice, made) : made
  const versions: Array<ProgramSpec> = []
  if (dice.one(6)) {
    for (const number of [2, 3].slice(0, dice.from(1, 2)))
      versions.push(versionOf(dice, versions.at(-1) ?? program, number, { ...makings, suffix: `v${number}` }))
  }
  const signals = dice.times(program.signals.length === 0 || dice.one(2) ? 0 : dice.from(1, 4), () =>
    proposalsOf(dice, program.signals, 3)
  )
  const last = versions.at(-1) ?? program
  return {
    ...{ program, versions, children, signals },
    sequel: dice.one(4) ? sequelOf(dice, program, last, makings) : undefined,
    limits: limitsOf(dice)
  }
}

/**
 * A budget that has something to share. How many bytes the end of a child has depends on the words of its error, which no rule
 * gives.
 */
const parentBudget = (dice: Dice, budget: BudgetSpec): BudgetSpec =>
  dice.one(3)
    ? { ...budget, maxContextBytes: undefined }
    : { ...budget, maxContextBytes: undefined, maxFacts: dice.from(40, 90), maxCycles: dice.pick([8, 12, 20]) }

const limitsOf = (dice: Dice): Case["limits"] => ({
  maxDepth: dice.from(1, 3),
  maxChildJobs: dice.pick([1, 2, 10]),
  fiberConcurrency: dice.pick([1, 2, 256, 256])
})

const confluentCase = (dice: Dice): Omit<Case, "schedule"> => {
  const program = confluentOf(dice)
  const signals = dice.times(dice.one(2) ? 0 : dice.from(1, 4), () => exactItems(dice, program.signals, 3))
  return { program, versions: [], children: [], signals, limits: limitsOf(dice) }
}

/**
 * A job whose process dies while effects of memoized agents are kept, and again while the next version has not kept its own:
 * what the first version kept must not be used by the second life of the next one.
 */
const switchedCase = (dice: Dice, seed: number): Case => {
  const made = programOf(dice, "simulated", dice.from(2, 4), plainMakings)
  const named = made.kinds.map(({ name }) => name)
  const from = dice.pick(named)
  const rules = made.kinds.map((kind): KindSpec => ({ ...kind, rule: dice.pick(["keepLast", "max", "union"]) }))
  const keeper = (index: number): AgentSpec => ({
    ...{ name: `ann${index}`, form: "each", type: "fiber", from, reads: [], writes: [dice.pick(named)], tier: 0 },
    ...{ emits: [], faults: [], onFailure: "discard", takesMs: dice.pick([5, 30, 45]), memoize: true }
  })
  const emitting = (agent: AgentSpec, step: number): AgentSpec => ({
    ...agent,
    emits: agent.writes.map((into): Emission => ({ into, id: "agent", step, below: 8, every: 1 }))
  })
  const keepers = dice.times(dice.from(2, 3), keeper)
  const withKeepers = (step: number): ProgramSpec => ({
    ...{ ...made, kinds: rules, invariants: [], seeds: proposalsOf(dice, [from], 4) },
    agents: keepers.map((agent) => emitting(agent, step)),
    budget: { maxCycles: 12 }
  })
  const program = withKeepers(1)
  const next = { ...withKeepers(2), version: "2", seeds: program.seeds, migration: { adds: 0 } }
  const whole = { program, versions: [next], children: [], signals: [], limits: limitsOf(dice) }
  const first = dice.below(60)
  const kills = [first, first + dice.from(2, 40)]
  return { ...whole, schedule: { ...scheduleOf(dice, seed, whole), kills, store: [], damages: [], acts: [] } }
}

/** A job whose approvals run out of time while its agents are at work, and that somebody decides about then. */
const lateCase = (dice: Dice, seed: number): Case => {
  const made = programOf(dice, "simulated", 2, plainMakings)
  const kinds = made.kinds.map((kind): KindSpec => ({ ...kind, rule: dice.pick(["keepLast", "max", "union"]) }))
  const [from = "A", into = "B"] = kinds.map(({ name }) => name)
  const emits: ReadonlyArray<Emission> = [{ into, id: "agent", step: 1, below: 8, every: 1 }]
  const agent = (name: string, of: string, more: Partial<AgentSpec>): AgentSpec => ({
    ...{ name, form: "each", type: "fiber", from: of, reads: [], writes: [into], tier: 0 },
    ...{ emits, faults: [], onFailure: "discard", takesMs: dice.pick([0, 7, 45]) },
    ...more
  })
  const asked = { ...timedApproval(dice), approvalMs: dice.pick([5, 20, 30]) }
  const agents = [agent("ann", from, asked), agent("bob", into, { takesMs: 45 }), agent("mia", "Decision", {})]
  const program: ProgramSpec = {
    ...{ ...made, kinds, agents, invariants: [], budget: { maxCycles: 12 } },
    seeds: proposalsOf(dice, [from], 3)
  }
  const whole = {
    program,
    versions: [],
    children: [],
    signals: [],
    limits: { ...limitsOf(dice), fiberConcurrency: 256 }
  }
  const acts = dice.times(6, (): Act => ({ at: dice.below(90), do: "decide" }))
  return { ...whole, schedule: { ...scheduleOf(dice, seed, whole), acts } }
}

/** The case of a seed. */
export const caseOf = (seed: number): Case => {
  const dice = new Dice(seed)
  if (seed % 32 === 4) return switchedCase(dice, seed)
  if (seed % 32 === 20) return lateCase(dice, seed)
  const whole = seed % 8 === 0 ? confluentCase(dice) : wholeOf(dice)
  return { ...whole, schedule: scheduleOf(dice, seed, whole) }
}
