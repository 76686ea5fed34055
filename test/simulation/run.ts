/** Runs a case, and compares it with the reference. Boundary: a case in, a verdict out. */
import { simulate, type Simulated } from "../../src/testing/simulation/simulate.ts"
import { faultOf, itemsOf } from "./behave.ts"
import { build } from "./build.ts"
import { compare } from "./compare.ts"
import type { Case } from "./generate.ts"

export interface Verdict {
  readonly differences: ReadonlyArray<string>
  readonly simulated: Simulated
}

/** Runs a case. A throw of the engine is a difference, too. */
export const runCase = (whole: Case): Verdict => {
  const { handlers, host, kinds, program } = build(whole.program)
  const agents = new Map(whole.program.agents.map((agent) => [agent.name, agent]))
  const simulated = simulate(
    {
      program,
      input: null,
      handlers,
      signals: whole.signals.map((signal) => signal.map(({ kind, value }) => kinds.get(kind)!.of(value))),
      onLife: (life, world) => host.begin(life, world),
      fateOf: ({ agent: { name }, each, since }, context) => {
        const agent = agents.get(name)!
        const fact = each === undefined ? undefined : context.find(each.kind, each.id)
        const all = (kind: string) => context.all(kinds.get(kind)!)
        const items = itemsOf(agent, fact as never, {
          all,
          delta: (kind) => all(kind).filter(({ provenance }) => provenance.version > since),
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
