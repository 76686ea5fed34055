/**
 * The provenance of a fact (G12), and the derivation tree of any fact.
 *
 * A fact names the task that added it. It also names, as a range of versions, the facts that made that task eligible: facts of
 * the kinds that its agent reads, whose commit position lies in (`since`, `until`]. Nothing else has to be stored, so
 * provenance costs the same for one cause and for a million. An agent may name the facts that are the cause (`because`).
 *
 * Boundary: data, and pure functions over a context.
 */
import type { Fact, FactRef } from "../program/Fact.ts"
import type { JobContext } from "./JobContext.ts"
import { Limits } from "../Limits.ts"
import { taskKey } from "./taskKey.ts"

export type { Origin, Provenance } from "../program/Fact.ts"

/** One node of a derivation tree. */
export interface Explanation {
  readonly fact: Fact
  /** The `trace` of the effect that added this fact: what the agent tells of its execution. */
  readonly trace: unknown
  /**
   * The reasons that the agent gave, in its order. If it gave none, the facts that made the task eligible, in commit order.
   * Empty for seeds, signals and agents that read nothing.
   */
  readonly causes: ReadonlyArray<Explanation>
  /** The number of causes that are left out, because they are explained elsewhere in the tree or the tree is too large. */
  readonly omitted: number
}

/**
 * The derivation tree of a fact: who added it, in which cycle, from which facts, down to seeds and signals.
 *
 * A fact that occurs more than once is explained where it is met first; the search is breadth first, so that is its shallowest
 * place. At most `Limits.explainNodes` nodes are made. Returns undefined for a fact that the context does not hold.
 */
export const explain = (context: JobContext, ref: FactRef): Explanation | undefined => {
  const root = context.find(ref.kind, ref.id)
  if (root === undefined) return undefined
  type Draft = { fact: Fact; trace: unknown; causes: Array<Draft>; omitted: number }
  const draft = (fact: Fact): Draft => ({ fact, trace: context.traceOf(fact), causes: [], omitted: 0 })
  const top = draft(root)
  const seen = new Set<number>([root.provenance.version])
  const queue: Array<Draft> = [top]
  // All facts of one task without reasons have the same causes. Once the first is met, they are in the tree or left out.
  const causeCounts = new Map<string, number>()
  for (let next = 0; next < queue.length; next++) {
    const node = queue[next]!
    const task = taskKey(node.fact)
    const known = causeCounts.get(task)
    if (known !== undefined) {
      node.omitted = known
      continue
    }
    const causes = context.causesOf(node.fact)
    causeCounts.set(task, causes.length)
    for (const cause of causes) {
      if (queue.length >= Limits.explainNodes || seen.has(cause.provenance.version)) {
        node.omitted++
        continue
      }
      seen.add(cause.provenance.version)
      const child = draft(cause)
      node.causes.push(child)
      queue.push(child)
    }
  }
  return top
}

const describe = (fact: Fact): string => {
  const { origin, agent, cycle } = fact.provenance
  const by = origin === "agent" ? agent : origin === "invariant" ? `invariant ${agent}` : origin
  return `${fact.kind}/${fact.id}  (${by}, cycle ${cycle})`
}

const sizeOf = (explanation: Explanation): number => {
  const queue = [explanation]
  for (let next = 0; next < queue.length; next++) queue.push(...queue[next]!.causes)
  return queue.length
}

/**
 * A derivation tree as lines of text, for a terminal or a log. Nodes deeper than `Limits.explainDepth` are counted, not drawn:
 * their lines would be too wide to be useful.
 */
export const format = (explanation: Explanation): string => {
  const lines: Array<string> = []
  const walk = (node: Explanation, head: string, tail: string, depth: number): void => {
    lines.push(head + describe(node.fact))
    if (node.trace !== undefined) lines.push(`${tail}  trace: ${JSON.stringify(node.trace)}`)
    if (depth === Limits.explainDepth && node.causes.length > 0) {
      lines.push(`${tail}└─ … ${sizeOf(node) - 1} more below`)
      return
    }
    const last = node.causes.length - 1
    node.causes.forEach((cause, index) => {
      const end = index === last && node.omitted === 0
      walk(cause, `${tail}${end ? "└─ " : "├─ "}`, `${tail}${end ? "   " : "│  "}`, depth + 1)
    })
    if (node.omitted > 0) lines.push(`${tail}└─ … ${node.omitted} more, explained above or left out`)
  }
  walk(explanation, "", "", 0)
  return lines.join("\n")
}
