/**
 * Warnings about programs that most likely miss facts, and converge all the same.
 *
 * Half a join: an agent with `each`, or a join, sees the facts of the further kinds in its `reads` that are there when its task
 * runs. A fact that comes later does not run the task again, so the two never meet. There is a warning if such a kind may come
 * late: another agent of the tier writes it, or signals, answers to intents, decisions or child jobs bring it. An agent of the
 * tier that is triggered by the kind and sees the rest is the other half, and there is no warning.
 *
 * Retention: it prunes facts that no agent is triggered by any more. One that waits for a partner in a join, or that is only in
 * `reads`, is then missed.
 *
 * Boundary: pure functions of a program's agents.
 */
import { ChildResult, Decision } from "./answerKinds.ts"
import { type ErasedAgent, type ErasedKind, eraseKind } from "./erased.ts"

const quote = (text: string): string => JSON.stringify(text)

/** The kinds by whose facts an agent runs, one from each. None for an agent that runs on all that is new. */
const subjectsOf = ({ each, join }: ErasedAgent): ReadonlyArray<ErasedKind> =>
  join !== undefined ? [join.left.kind, join.right.kind] : each === undefined ? [] : [each]

/** The kinds that an agent looks at besides. */
const lookedAt = (agent: ErasedAgent): ReadonlyArray<ErasedKind> => {
  const subjects = subjectsOf(agent)
  return subjects.length === 0 ? [] : agent.visible.filter((kind) => !subjects.includes(kind))
}

/** The kinds that intents bring, with what brings them. */
const answersOf = (agents: ReadonlyArray<ErasedAgent>): ReadonlyMap<ErasedKind, string> =>
  new Map([
    ...agents.flatMap(({ intents }) =>
      intents.flatMap(({ answers, name }) =>
        answers.map((kind) => [eraseKind(kind), `answers to ${quote(name)} bring`] as const)
      )
    ),
    [eraseKind(Decision), "decisions on approvals bring"] as const,
    [eraseKind(ChildResult), "child jobs bring"] as const
  ])

/** The ways by which facts come from outside of the agents. */
interface Outside {
  readonly signals: ReadonlySet<string>
  readonly answers: ReadonlyMap<ErasedKind, string>
}

/** Says what brings a kind late; undefined for a kind that is complete. */
const lateBy = (
  agent: ErasedAgent,
  kind: ErasedKind,
  tier: ReadonlyArray<ErasedAgent>,
  { answers, signals }: Outside
): { readonly source: string; readonly writer: string | undefined } | undefined => {
  const writer = tier.find((other) => other !== agent && other.writes.includes(kind))?.name
  const source = signals.has(kind.name) ? "signals may bring" : answers.get(kind)
  if (writer === undefined) return source === undefined ? undefined : { source, writer }
  return { source: `${quote(writer)} of the same tier writes`, writer: source === undefined ? writer : undefined }
}

/** The warnings that an agent of a tier is half a join. */
const halfJoins = (agent: ErasedAgent, tier: ReadonlyArray<ErasedAgent>, outside: Outside): ReadonlyArray<string> =>
  lookedAt(agent).flatMap((kind) => {
    const subjects = subjectsOf(agent)
    const isWhole = tier.some(
      ({ triggers, visible }) => triggers.includes(kind) && subjects.every((subject) => visible.includes(subject))
    )
    const late = isWhole ? undefined : lateBy(agent, kind, tier, outside)
    if (late === undefined) return []
    const right = kind.name
    const ending = late.writer === undefined ? "" : ` Or let ${quote(late.writer)} run in an earlier tier`
    const begin = `reads ${right}, which ${late.source}: what comes of ${right} after that is not seen for it. `
    if (agent.join !== undefined) {
      const [one, other] = subjects.map(({ name }) => name)
      return [
        `the join ${quote(agent.name)} runs for each pair of ${one} and ${other} and ${begin}` +
          `If facts of the three belong together, let a join of two kinds write each pair as a fact, and join that with ` +
          `the third kind.${ending}`
      ]
    }
    const left = subjects[0]!.name
    return [
      `the agent ${quote(agent.name)} runs for each new ${left} and ${begin}` +
        `If facts of the two belong together, write Agent.join(${quote(agent.name)}, ` +
        `{ left: [${left}, key], right: [${right}, key], ... }), which gives each pair once.${ending}`
    ]
  })

/** The warnings about kinds of which retention prunes facts that an agent would still have to see. */
const pruned = (agent: ErasedAgent): ReadonlyArray<string> => {
  const { join, name } = agent
  const [one = "", other = ""] = subjectsOf(agent).map((kind) => kind.name)
  const advice = "If all of them count, leave `retention` out for the kind"
  const kept = ({ name: kind, retention }: ErasedKind, say: (kept: string) => string): ReadonlyArray<string> =>
    retention === "all" ? [] : [`${say(`${kind}, of which retention keeps the newest ${retention.latest}`)}. ${advice}`]
  const sides = join === undefined ? [] : [...new Set([join.left.kind, join.right.kind])]
  const ofSides = sides.flatMap((kind) => {
    const partner = kind.name === one ? other : one
    return kept(
      kind,
      (text) =>
        `the join ${quote(name)} pairs ${text}: a fact that is pruned does not meet one of ${partner} that comes later`
    )
  })
  const ofReads = lookedAt(agent).flatMap((kind) =>
    kept(kind, (text) =>
      join === undefined
        ? `the agent ${quote(name)} runs for each new ${one} and reads ${text}: a fact that is pruned is not seen for what ` +
          `comes of ${one} after that`
        : `the join ${quote(name)} reads ${text}: a fact that is pruned is not seen for pairs of ${one} and ${other} that meet ` +
          "after that"
    )
  )
  return [...ofSides, ...ofReads]
}

/** The warnings about a program's agents, in the order of its tiers. */
export const warningsOf = (
  agents: ReadonlyArray<ErasedAgent>,
  tierOf: ReadonlyArray<number>,
  tierCount: number,
  signals: ReadonlySet<string>
): ReadonlyArray<string> => {
  const outside = { signals, answers: answersOf(agents) }
  return Array.from({ length: tierCount }, (_, place) => {
    const tier = agents.filter((__, index) => tierOf[index] === place)
    return tier.flatMap((agent) => [...halfJoins(agent, tier, outside), ...pruned(agent)])
  }).flat()
}
