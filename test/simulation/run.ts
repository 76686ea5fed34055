/** Runs a case, and compares it with the reference. Boundary: a case in, a verdict out. */
import { simulate, type Simulated } from "../../src/testing/simulation/simulate.ts"
import { faultOf, itemsOf } from "./behave.ts"
import { build } from "./build.ts"
import { compare } from "./compare.ts"
import type { Case } from "./generate.ts"
import type { AgentSpec } from "./spec.ts"

export interface Verdict {
  readonly differences: ReadonlyArray<string>
  readonly simulated: Simulated
}

/** The agents of all programs of a case. Those of one name may be of several versions: `fateOf` goes by what they do. */
const agentsOf = ({ children, program, sequel, versions }: Case): ReadonlyArray<AgentSpec> =>
  [program, ...versions, ...children, ...(sequel?.do === "go on" ? [sequel.program] : [])].flatMap(
    ({ agents }) => agents
  )

/** Runs a case. A throw of the engine is a difference, too. */
export const runCase = (whole: Case): Verdict => {
  const { children, handlers, host, kinds, next, program, versions } = build(whole)
  const agents = new Map(agentsOf(whole).map((agent) => [agent.name, agent]))
  const { limits, sequel } = whole
  const last = versions.at(-1) ?? program
  const proposals = (facts: Case["signals"][number]) => facts.map(({ kind, value }) => kinds.get(kind)!.of(value))
  const simulated = simulate(
    {
      ...{ program, versions, children, limits, input: null, handlers },
      signals: whole.signals.map(proposals),
      ...(sequel === undefined
        ? {}
        : {
            sequel:
              sequel.do === "fork"
                ? { do: "fork", program: last, at: sequel.at, facts: proposals(sequel.changed) }
                : {
                    do: "go on",
                    program: sequel.program === (whole.versions.at(-1) ?? whole.program) ? last : next!,
                    input: null
                  }
          }),
      onLife: (life, world, hasFailed) => host.begin(life, world, hasFailed),
      fateOf: ({ agent: { name }, each, since }, context) => {
        const agent = agents.get(name)!
        const fact = each === undefined ? undefined : context.find(each.kind, each.id)
        const all = (kind: string) => context.encoded().flatMap(({ fact: one }) => (one.kind === kind ? [one] : []))
        const items = itemsOf(agent, fact as never, {
          all: (kind) => all(kind) as never,
          delta: (kind) => all(kind).filter(({ provenance }) => provenance.version > since) as never,
          size: (kind) => all(kind).length
        })
        const how = agent.form === "join" ? undefined : faultOf(agent, items[0]?.value, 1)
        return { ms: how === "slow" ? (agent.timeoutMs ?? 0) * 10 : host.world!.below(20), crashes: how === "crash" }
      }
    },
    whole.schedule
  )
  return { differences: compare(whole, simulated, host), simulated }
}
