/**
 * From a program's options to a compiled program: everything is checked once, and names are resolved for the runtime.
 *
 * Boundary: refuses with `InvalidProgram` what cannot work. It runs nothing of the program but the output, on a view that is
 * given.
 */
import type * as Schema from "effect/Schema"
import { type Agent, isAgent } from "./Agent.ts"
import type { Budget } from "./Budget.ts"
import { isKind, type Kind, type Proposal } from "./Fact.ts"
import { answerKinds } from "./answerKinds.ts"
import { isInvalidValue } from "../values/InvalidValue.ts"
import { makeKindCodec } from "../values/kindCodec.ts"
import { InvalidProgram, type Refuse } from "./InvalidProgram.ts"
import { type Invariant, type InvariantDefinition, isInvariant, Violation } from "./Invariant.ts"
import type { View } from "./View.ts"
import { type ErasedKind, eraseKind, type ErasedAgent, eraseAgent, type CompiledProgram, type Sees } from "./erased.ts"
import type { ErasedIntentKind } from "./intentKind.ts"
import type { Migration } from "./migration.ts"
import { isEnginesOwn } from "./typeIds.ts"
import { resolveBudget } from "./resolveBudget.ts"
import { plainlyWithin } from "../values/plainResult.ts"
import { anything, callable, complaintOf, complaintOfName, must, type Rules, text } from "../values/options.ts"
import { warningsOf } from "./warnings.ts"

/** The options of `Program.make`, as untyped callers may pass them. */
export interface ProgramOptions {
  readonly module?: string
  readonly input: Schema.Codec<unknown, unknown>
  readonly agents: ReadonlyArray<Agent.Any>
  readonly kinds?: ReadonlyArray<Kind.Any>
  readonly signals?: ReadonlyArray<Kind.Any>
  readonly tiers?: ReadonlyArray<ReadonlyArray<string>>
  readonly seed?: (input: unknown) => Iterable<Proposal<string, unknown>>
  readonly invariants?: ReadonlyArray<Invariant>
  readonly budget?: Budget
  readonly version?: string
  readonly migrate?: Migration
  readonly output?:
    | ((view: View<Kind.Any>) => unknown)
    | { readonly schema: Schema.Codec<unknown, unknown>; readonly from: (view: View<Kind.Any>) => unknown }
}

/** Steps of `compile` judge the others further. */
const rules: Rules<ProgramOptions> = {
  module: must("a URL such as import.meta.url", (value) => typeof value === "string" && URL.canParse(value)),
  // The codec says why it cannot be made.
  input: anything,
  agents: must("an array", Array.isArray, true),
  kinds: must("an array", Array.isArray),
  signals: must("an array", Array.isArray),
  tiers: must("an array of arrays of agents' names", (value) => Array.isArray(value) && value.every(Array.isArray)),
  seed: callable(),
  invariants: must("an array", Array.isArray),
  // `resolveBudget` does it.
  budget: anything,
  version: text,
  migrate: callable(),
  output: (option, value) =>
    value === undefined || typeof value === "function"
      ? undefined
      : typeof value === "object" && value !== null
        ? complaintOf(value, outputRules, option)
        : { option, message: `${option} must be a function, or {schema, from}` }
}

const outputRules: Rules<Exclude<NonNullable<ProgramOptions["output"]>, Function>> = {
  // The codec says why it cannot be made.
  schema: must("a Schema", (value) => value !== undefined),
  from: callable(true)
}

const quote = (text: string): string => JSON.stringify(text)

/**
 * Checks a program and compiles it.
 *
 * @throws InvalidProgram for the first thing that cannot work, in the order of the steps below
 */
export const compile = (name: string, options: ProgramOptions): CompiledProgram => {
  const refuse: Refuse = (message) => {
    throw new InvalidProgram({ program: typeof name === "string" ? name : "", message })
  }
  checkShape(name, options, refuse)
  const agents = options.agents.map((agent, index) =>
    isAgent(agent) ? eraseAgent(agent) : refuse(`agents[${index}] is not an agent`)
  )
  const indexOf = indexByName(agents, refuse)
  const kinds = kindsOf(agents, options, refuse)
  refuseEnginesOwn(agents, refuse)
  const signals = signalsOf(options.signals ?? [], refuse)
  checkModule(agents, options.module, refuse)
  const tiers = options.tiers ?? [agents.map((agent) => agent.name)]
  const tierOf = tiersOf(tiers, agents, indexOf, refuse)
  refuseBackwardWrites(agents, tierOf, refuse)
  const invariants = invariantsOf(options.invariants ?? [], kinds, refuse)
  resolveBudget(name, options.budget)

  return Object.freeze({
    name,
    module: options.module,
    kinds,
    signals,
    intents: intentsOf(agents, refuse),
    retained: [...kinds.values()].filter((kind) => kind.retention !== "all"),
    agents,
    triggers: new Map(agents.map((agent) => [agent.name, agent.triggers.map((kind) => kind.name)])),
    hasLimits: agents.some(({ concurrency }) => concurrency !== undefined),
    triggeredBy: triggeredByOf(agents),
    tierOf,
    tierCount: tiers.length,
    structural: invariants.filter((invariant) => invariant.class === "structural"),
    semantic: invariants.filter((invariant) => invariant.class === "semantic"),
    acceptance: invariants.filter((invariant) => invariant.class === "acceptance"),
    budget: options.budget,
    input: options.input,
    inputCodec: makeKindCodec(options.input, (message) => refuse(`input: ${message}`), "input"),
    version: options.version ?? "",
    migrate: options.migrate,
    seed: options.seed ?? (() => []),
    output: outputOf(options.output, refuse),
    warnings: Object.freeze(warningsOf(agents, tierOf, tiers.length, signals))
  })
}

const outputOf = (output: ProgramOptions["output"], refuse: Refuse): CompiledProgram["output"] => {
  if (output === undefined) return undefined
  if (typeof output === "function") return { from: output, schema: undefined, codec: undefined }
  const { from, schema } = output
  return { from, schema, codec: makeKindCodec(schema, (message) => refuse(`output: ${message}`), "output") }
}

/** Refuses a name or options that are not even of the right types. */
const checkShape = (name: string, options: ProgramOptions, refuse: Refuse): void => {
  const unnamed = complaintOfName("a program", name)
  if (unnamed !== undefined) refuse(unnamed)
  if (options === undefined || options === null) return refuse("options are missing")
  const complaint = complaintOf(options, rules)
  if (complaint !== undefined) refuse(complaint.message)
}

/** The index of each agent by its name. Refuses two agents of one name. */
const indexByName = (agents: ReadonlyArray<ErasedAgent>, refuse: Refuse): ReadonlyMap<string, number> => {
  const indexOf = new Map<string, number>()
  agents.forEach((agent, index) => {
    if (indexOf.has(agent.name)) refuse(`two agents are called ${quote(agent.name)}`)
    indexOf.set(agent.name, index)
  })
  return indexOf
}

/** All kinds that a program knows, by name: its own, its agents', and the built-in ones. Refuses two kinds of one name. */
const kindsOf = (
  agents: ReadonlyArray<ErasedAgent>,
  { kinds: extra = [], signals = [] }: ProgramOptions,
  refuse: Refuse
): ReadonlyMap<string, ErasedKind> => {
  const kinds = new Map<string, ErasedKind>()
  const addKind = (kind: ErasedKind): void => {
    const present = kinds.get(kind.name)
    if (present !== undefined && present !== kind) refuse(`two kinds are called ${quote(kind.name)}`)
    kinds.set(kind.name, kind)
  }
  addKind(eraseKind(Violation))
  for (const [name, list] of Object.entries({ kinds: extra, signals })) {
    list.forEach((kind, index) => addKind(isKind(kind) ? eraseKind(kind) : refuse(`${name}[${index}] is not a kind`)))
  }
  for (const agent of agents) {
    const answers = agent.intents.flatMap((intent) => intent.answers.map(eraseKind))
    ;[...agent.visible, ...agent.writes, ...answers].forEach(addKind)
  }
  // A program may declare kinds of its own with these names.
  for (const kind of answerKinds) if (!kinds.has(kind.name)) kinds.set(kind.name, kind)
  return kinds
}

/** The kinds of intents that agents declare, by name. Refuses two of one name. */
const intentsOf = (agents: ReadonlyArray<ErasedAgent>, refuse: Refuse): ReadonlyMap<string, ErasedIntentKind> => {
  const intents = new Map<string, ErasedIntentKind>()
  for (const kind of agents.flatMap((agent) => agent.intents)) {
    const present = intents.get(kind.name)
    if (present !== undefined && present !== kind) refuse(`two kinds of intents are called ${quote(kind.name)}`)
    intents.set(kind.name, kind)
  }
  return intents
}

/** The names of the kinds that may come from outside. Refuses those that only the engine writes. */
const signalsOf = (signals: ReadonlyArray<Kind.Any>, refuse: Refuse): ReadonlySet<string> => {
  const kinds = signals.map(eraseKind)
  const own = kinds.find(isEnginesOwn)
  if (own !== undefined) refuse(`signals: only the engine writes ${quote(own.name)}`)
  return new Set(kinds.map(({ name }) => name))
}

/** Refuses an agent that writes a kind which only the engine writes. */
const refuseEnginesOwn = (agents: ReadonlyArray<ErasedAgent>, refuse: Refuse): void => {
  for (const { label, writes } of agents) {
    const own = writes.find(isEnginesOwn)
    if (own !== undefined)
      refuse(`${label} writes ${quote(own.name)}, which only the engine writes: take it out of \`writes\``)
  }
}

/** Refuses CPU agents without a module, which workers could not find. A fold never runs on a worker. */
const checkModule = (agents: ReadonlyArray<ErasedAgent>, module: string | undefined, refuse: Refuse): void => {
  const cpu = agents.find((agent) => agent.type === "cpu" && agent.fold === undefined)
  if (cpu !== undefined && module === undefined) {
    refuse(
      `the CPU agent ${quote(cpu.name)} needs the program's module: give \`module: import.meta.url\`, which has a value in ES modules only`
    )
  }
}

/** Refuses what is no invariant, two invariants of one name, and an invariant of a kind that the program does not have. */
const invariantsOf = (
  invariants: ReadonlyArray<Invariant>,
  kinds: ReadonlyMap<string, ErasedKind>,
  refuse: Refuse
): ReadonlyArray<InvariantDefinition> => {
  const names = new Set<string>()
  return invariants.map((invariant, index) => {
    if (!isInvariant(invariant)) return refuse(`invariants[${index}] is not an invariant`)
    const definition = invariant()
    const { name } = definition
    if (names.has(name)) refuse(`two invariants are called ${quote(name)}`)
    names.add(name)
    const stranger = definition.reads.map(eraseKind).find((kind) => kinds.get(kind.name) !== kind)
    if (stranger === undefined) return definition
    return refuse(
      `the invariant ${quote(name)} reads ${quote(stranger.name)}, which the program does not have: ` +
        "correct the kind, or add it to the program's `kinds`"
    )
  })
}

/** The indexes of the agents that facts of a kind trigger, by the kind's name. */
const triggeredByOf = (agents: ReadonlyArray<ErasedAgent>): ReadonlyMap<string, ReadonlyArray<number>> => {
  const triggeredBy = new Map<string, Array<number>>()
  agents.forEach((agent, index) => {
    for (const { name } of agent.triggers) {
      const triggered = triggeredBy.get(name)
      if (triggered === undefined) triggeredBy.set(name, [index])
      else triggered.push(index)
    }
  })
  return triggeredBy
}

/** The tier of each agent, by the agent's index. Refuses an agent that is in no tier or in two, and a name of no agent. */
const tiersOf = (
  tiers: ReadonlyArray<ReadonlyArray<string>>,
  agents: ReadonlyArray<ErasedAgent>,
  indexOf: ReadonlyMap<string, number>,
  refuse: Refuse
): ReadonlyArray<number> => {
  const tierOf: Array<number> = new Array(agents.length).fill(-1)
  tiers.forEach((tier, number) => {
    for (const agent of tier) {
      const index = indexOf.get(agent)
      if (index === undefined) refuse(`tier ${number} names ${quote(agent)}, which is no agent of the program`)
      else if (tierOf[index] === number) refuse(`the agent ${quote(agent)} is twice in tier ${number}`)
      else if (tierOf[index] !== -1) refuse(`the agent ${quote(agent)} is in tiers ${tierOf[index]} and ${number}`)
      else tierOf[index] = number
    }
  })
  const missing = agents.find((_, index) => tierOf[index] === -1)
  return missing === undefined ? tierOf : refuse(`the agent ${quote(missing.name)} is in no tier`)
}

/** Refuses a tier that writes what an earlier one reads: the earlier one would have to run again. */
const refuseBackwardWrites = (
  agents: ReadonlyArray<ErasedAgent>,
  tierOf: ReadonlyArray<number>,
  refuse: Refuse
): void => {
  agents.forEach((writer, w) => {
    agents.forEach((reader, r) => {
      if (tierOf[w]! <= tierOf[r]!) return
      const kind = writer.writes.find((written) => reader.visible.includes(written))
      if (kind === undefined) return
      refuse(
        `the agent ${quote(writer.name)} of tier ${tierOf[w]} writes ${quote(kind.name)}, ` +
          `which ${quote(reader.name)} of the earlier tier ${tierOf[r]} reads`
      )
    })
  })
}

/** The output of a program, and its canonical text if the program declares a schema for it. */
export interface Output {
  readonly output: unknown
  readonly outputText: string | undefined
}

/** The sight of functions of a program: all of its kinds. `holder` names the function in messages. */
export const seesOf = ({ kinds, name }: Pick<CompiledProgram, "kinds" | "name">, holder: string): Sees => ({
  visible: kinds,
  unless: `which the program ${JSON.stringify(name)} does not have: correct the kind, or add it to \`kinds\``,
  holder
})

/**
 * Makes the output from the view that `read` gives. Throws if the program's function does, and if the output does not fit its
 * schema.
 */
export const outputFrom = (
  { output }: Pick<CompiledProgram, "output">,
  read: (body: (view: View<Kind.Any>) => unknown) => unknown
): Output => {
  if (output === undefined) return { output: undefined, outputText: undefined }
  const made = plainlyWithin("output", read(output.from))
  if (output.codec === undefined) return { output: made, outputText: undefined }
  try {
    const { text, value } = output.codec.encode(made)
    return { output: value, outputText: text }
  } catch (error) {
    if (isInvalidValue(error)) throw new Error(`the output does not fit its schema: ${error.message}`, { cause: error })
    throw error
  }
}
