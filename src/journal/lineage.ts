/**
 * The facts that follow from a fact: the other direction of `Provenance.explain`.
 *
 * Causes are committed before the facts that follow from them. So one walk over all that was ever committed, in commit order,
 * finds everything. The facts of a task share their causes, which are looked up once for each task.
 *
 * A fact that would go without another: its task had reasons and one of them goes, or it had none and all facts that made it
 * eligible go. A fact that was revised goes if all of its revisions do. Only recorded derivations count: an agent that proposed
 * again what was there left no record.
 *
 * Boundary: pure, in steps.
 */
import type { JobContext } from "../context/JobContext.ts"
import type { Encoded } from "./liveFacts.ts"
import { taskKey } from "../context/taskKey.ts"
import type { Fact, FactRef } from "../program/Fact.ts"
import { refKey } from "../program/keys.ts"
import { lightStepSize } from "../values/steps.ts"

/** `follows`: something that it comes from comes from the fact. `needs`: it would not be there without the fact. */
export type Relation = "follows" | "needs"

const isRelated = (context: JobContext, fact: Fact, found: ReadonlySet<number>, relation: Relation): boolean => {
  const causes = context.causesOf(fact)
  const has = (cause: Fact): boolean => found.has(cause.provenance.version)
  if (relation === "follows" || fact.provenance.because !== undefined) return causes.some(has)
  return causes.length > 0 && causes.every(has)
}

/**
 * The live facts that are related to a fact, in commit order, without the fact itself. `version`: the version up to which the
 * context is committed. Undefined if the context never had such a fact.
 */
export const relatedTo = (
  context: JobContext,
  { id, kind }: FactRef,
  relation: Relation,
  version: number = context.version
): Generator<void, ReadonlyArray<Encoded> | undefined> =>
  relatedToAny(context, (fact) => fact.kind === kind && fact.id === id, relation, version)

/** As `relatedTo`, of several facts at once: those that `isRoot` admits. */
export function* relatedToAny(
  context: JobContext,
  isRoot: (fact: Fact) => boolean,
  relation: Relation,
  version: number = context.version
): Generator<void, ReadonlyArray<Encoded> | undefined> {
  const found = new Set<number>()
  const byTask = new Map<string, boolean>()
  /** The versions of each fact that are not related. */
  const kept = new Set<string>()
  const related: Array<Encoded> = []
  let isKnown = false
  let steps = 0
  for (const { fact, text } of context.history()) {
    if (fact.provenance.version > version) break
    if (++steps % lightStepSize === 0) yield
    if (isRoot(fact)) {
      isKnown = true
      found.add(fact.provenance.version)
      continue
    }
    if (!isKnown) {
      if (relation === "needs") kept.add(refKey(fact))
      continue
    }
    const task = taskKey(fact)
    let is = byTask.get(task)
    if (is === undefined) byTask.set(task, (is = isRelated(context, fact, found, relation)))
    if (is) {
      found.add(fact.provenance.version)
      related.push({ fact, text })
    } else if (relation === "needs") kept.add(refKey(fact))
  }
  if (!isKnown) return undefined
  const live: Array<Encoded> = []
  for (const entry of related) {
    if (++steps % lightStepSize === 0) yield
    const { fact } = entry
    const present = context.find(fact.kind, fact.id)
    if (present?.provenance.version === fact.provenance.version && !kept.has(refKey(fact))) live.push(entry)
  }
  return live
}
