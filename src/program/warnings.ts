/**
 * Warnings about programs that are most likely half a join.
 *
 * An agent with `each` that reads another kind sees the facts of that kind that are there when its task runs. A fact that comes
 * later does not run the task again, so the two never meet. There is a warning about such an agent if another agent of its tier
 * writes the kind, or if signals may bring it, unless an agent of the tier is the other half.
 *
 * Boundary: pure functions of a program's agents.
 */
import type { ErasedAgent, ErasedKind } from "./erased.ts"

const quote = (text: string): string => JSON.stringify(text)

/** Whether an agent is triggered by a kind and sees another one. */
const meets = ({ triggers, visible }: ErasedAgent, trigger: ErasedKind, seen: ErasedKind): boolean =>
  triggers.includes(trigger) && visible.includes(seen)

/** The warnings about the agents of one tier. */
const warningsOfTier = (tier: ReadonlyArray<ErasedAgent>, signals: ReadonlySet<string>): ReadonlyArray<string> =>
  tier.flatMap((agent) => {
    const { each, name, visible } = agent
    if (each === undefined) return []
    return visible.flatMap((kind) => {
      if (kind === each) return []
      const isWhole = tier.some((other) => other !== agent && meets(other, kind, each))
      if (isWhole) return []
      const writer = tier.find((other) => other !== agent && other.writes.includes(kind))
      const isSignalled = signals.has(kind.name)
      if (writer === undefined && !isSignalled) return []
      const [left, right] = [each.name, kind.name]
      const source = writer === undefined ? "signals may bring" : `${quote(writer.name)} of the same tier writes`
      return [
        `the agent ${quote(name)} runs for each new ${left} and reads ${right}, which ${source}: what comes of ${right} after ` +
          `that is not seen for it. If facts of the two belong together, write Agent.join(${quote(name)}, ` +
          `{ left: [${left}, key], right: [${right}, key], ... }), which gives each pair once.` +
          (writer === undefined || isSignalled ? "" : ` Or let ${quote(writer.name)} run in an earlier tier`)
      ]
    })
  })

/** The warnings about a program's agents, in the order of its tiers. */
export const warningsOf = (
  agents: ReadonlyArray<ErasedAgent>,
  tierOf: ReadonlyArray<number>,
  tierCount: number,
  signals: ReadonlySet<string>
): ReadonlyArray<string> =>
  Array.from({ length: tierCount }, (_, tier) =>
    warningsOfTier(
      agents.filter((__, index) => tierOf[index] === tier),
      signals
    )
  ).flat()
