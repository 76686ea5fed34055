/**
 * From a program's options to a compiled program: everything is checked once, and what the runtime asks for is looked up. Boundary: data.
 */
import type * as Schema from "effect/Schema"
import { type Agent, isAgent } from "./Agent.ts"
import { type Budget } from "./Budget.ts"
import { isKind, type Kind, type Proposal } from "./Fact.ts"
import { answerKinds } from "./answerKinds.ts"
import { makeKindCodec } from "../values/kindCodec.ts"
import { InvalidProgram } from "./InvalidProgram.ts"
import { type Invariant, isInvariant, Violation } from "./Invariant.ts"
import type { View } from "./View.ts"
import { type ErasedKind, eraseKind, type ErasedAgent, eraseAgent, type CompiledProgram } from "./erased.ts"
import type { Migration } from "./migration.ts"
import { resolveBudget } from "./resolveBudget.ts"

export interface Options {
  readonly module?: string
  readonly input: Schema.Codec<unknown, unknown>
  readonly agents: ReadonlyArray<Agent.Any>
  readonly kinds?: ReadonlyArray<Kind.Any>
  readonly tiers?: ReadonlyArray<ReadonlyArray<string>>
  readonly seed?: (input: unknown) => Iterable<Proposal<string, unknown>>
  readonly invariants?: ReadonlyArray<Invariant>
  readonly budget?: Budget
  readonly version?: string
  readonly migrate?: Migration
  readonly output?: (view: View<Kind.Any>) => unknown
}

export const known = [
  "module",
  "input",
  "agents",
  "kinds",
  "tiers",
  "seed",
  "invariants",
  "budget",
  "version",
  "migrate",
  "output"
]

export const compile = (name: string, options: Options): CompiledProgram => {
  const quote = (text: string): string => JSON.stringify(text)
  const refuse = (message: string): never => {
    throw new InvalidProgram({ program: typeof name === "string" ? name : "", message })
  }
  if (typeof name !== "string" || name === "") refuse("a program needs a name that is not empty")
  if (typeof options !== "object" || options === null) return refuse("options are missing")
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown !== undefined) refuse(`there is no option ${quote(unknown)}`)
  if (!Array.isArray(options.agents)) refuse("agents must be an array")
  if (options.version !== undefined && typeof options.version !== "string") refuse("version must be a string")
  for (const key of ["seed", "output", "migrate"] as const) {
    if (options[key] !== undefined && typeof options[key] !== "function") refuse(`${key} must be a function`)
  }

  const agents = options.agents.map((agent, index) =>
    isAgent(agent) ? eraseAgent(agent) : refuse(`agents[${index}] is not an agent`)
  )
  const indexOf = new Map<string, number>()
  agents.forEach((agent, index) => {
    if (indexOf.has(agent.name)) refuse(`two agents are called ${quote(agent.name)}`)
    indexOf.set(agent.name, index)
  })

  const kinds = new Map<string, ErasedKind>()
  const addKind = (kind: ErasedKind): void => {
    const present = kinds.get(kind.name)
    if (present !== undefined && present !== kind) refuse(`two kinds are called ${quote(kind.name)}`)
    kinds.set(kind.name, kind)
  }
  addKind(eraseKind(Violation))
  if (options.kinds !== undefined && !Array.isArray(options.kinds)) refuse("kinds must be an array")
  ;(options.kinds ?? []).forEach((kind, index) =>
    addKind(isKind(kind) ? eraseKind(kind) : refuse(`kinds[${index}] is not a kind`))
  )
  for (const agent of agents) [...agent.visible, ...agent.writes].forEach(addKind)
  for (const kind of answerKinds) if (!kinds.has(kind.name)) kinds.set(kind.name, kind)

  const cpu = agents.find((agent) => agent.type === "cpu")
  if (cpu !== undefined && options.module === undefined) {
    refuse(`the CPU agent ${quote(cpu.name)} needs the program's module: give \`module: import.meta.url\``)
  }
  if (options.module !== undefined && !URL.canParse(options.module)) {
    refuse(`module must be a URL such as import.meta.url, not ${quote(options.module)}`)
  }

  const tiers = options.tiers ?? [agents.map((agent) => agent.name)]
  if (!Array.isArray(tiers) || !tiers.every(Array.isArray)) refuse("tiers must be an array of arrays of agents' names")
  const tierOf = tiersOf(tiers, agents, indexOf, refuse)
  refuseBackwardWrites(agents, tierOf, refuse)

  const invariants = options.invariants ?? []
  if (!Array.isArray(invariants)) refuse("invariants must be an array")
  const names = new Set<string>()
  for (const [index, invariant] of invariants.entries()) {
    if (!isInvariant(invariant)) refuse(`invariants[${index}] is not an invariant`)
    if (names.has(invariant.name)) refuse(`two invariants are called ${quote(invariant.name)}`)
    names.add(invariant.name)
  }
  resolveBudget(name, options.budget)

  return Object.freeze({
    name,
    module: options.module,
    kinds,
    retained: [...kinds.values()].filter((kind) => kind.retention !== "all"),
    agents,
    triggers: new Map(agents.map((agent) => [agent.name, agent.triggers.map((kind) => kind.name)])),
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
    output: options.output
  })
}

export const triggeredByOf = (agents: ReadonlyArray<ErasedAgent>): ReadonlyMap<string, ReadonlyArray<number>> => {
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

export const tiersOf = (
  tiers: ReadonlyArray<ReadonlyArray<string>>,
  agents: ReadonlyArray<ErasedAgent>,
  indexOf: ReadonlyMap<string, number>,
  refuse: (message: string) => never
): ReadonlyArray<number> => {
  const tierOf: Array<number> = new Array(agents.length).fill(-1)
  tiers.forEach((tier, number) => {
    for (const agent of tier) {
      const index = indexOf.get(agent)
      if (index === undefined) refuse(`tier ${number} names ${JSON.stringify(agent)}, which is no agent of the program`)
      else if (tierOf[index] === number) refuse(`the agent ${JSON.stringify(agent)} is twice in tier ${number}`)
      else if (tierOf[index] !== -1)
        refuse(`the agent ${JSON.stringify(agent)} is in tiers ${tierOf[index]} and ${number}`)
      else tierOf[index] = number
    }
  })
  const missing = agents.find((_, index) => tierOf[index] === -1)
  return missing === undefined ? tierOf : refuse(`the agent ${JSON.stringify(missing.name)} is in no tier`)
}

export const refuseBackwardWrites = (
  agents: ReadonlyArray<ErasedAgent>,
  tierOf: ReadonlyArray<number>,
  refuse: (message: string) => never
): void => {
  agents.forEach((writer, w) => {
    agents.forEach((reader, r) => {
      if (tierOf[w]! <= tierOf[r]!) return
      const kind = writer.writes.find((written) => reader.visible.includes(written))
      if (kind === undefined) return
      refuse(
        `the agent ${JSON.stringify(writer.name)} of tier ${tierOf[w]} writes ${JSON.stringify(kind.name)}, ` +
          `which ${JSON.stringify(reader.name)} of the earlier tier ${tierOf[r]} reads`
      )
    })
  })
}
