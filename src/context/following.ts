/**
 * The facts that follow from a fact, with the direct causes of each: the other direction of `Provenance.explain`.
 *
 * Causes are committed before the facts that follow from them. So one walk over all that was ever committed, in commit order,
 * finds everything. The facts of a task share their causes, which are looked up once for each task.
 *
 * A fact that would go without another: its task had reasons and one of them goes, or it had none and all facts that made it
 * eligible go. A fact that was revised goes if all of its revisions do. Only recorded derivations count: an agent that proposed
 * again what was there left no record.
 *
 * A cause is named by its version. A cause that was revised or pruned since is not among the facts that are shown. The facts
 * that this cause comes from stand for it, apart from the direct ones. So versions of causes are lower than that of the fact,
 * each fact that is shown leads back to the one that was asked about, and every beginning of the list is whole
 * (docs/decisions/0150).
 *
 * Boundary: pure, in steps. A context and the page of a recorded job are both read through `Past`.
 */
import type { FactRef, Provenance } from "../program/Fact.ts"
import { refKey } from "../program/keys.ts"
import { lightStepSize } from "../values/steps.ts"
import { taskKey } from "./taskKey.ts"

/** `follows`: something that it comes from comes from the fact. `needs`: it would not be there without the fact. */
export type Relation = "follows" | "needs"

type Derived = FactRef & { readonly provenance: Provenance }

/** All that was ever committed. */
export interface Past<F extends Derived, Entry extends { readonly fact: F }> {
  /** In commit order, revised and pruned facts included. */
  readonly history: Iterable<Entry>
  readonly causesOf: (fact: F) => ReadonlyArray<F>
  /** Whether a fact is there, and this is its value. */
  readonly isLive: (fact: F) => boolean
}

/** The facts that are related to some roots. */
export interface Related<F extends Derived, Entry extends { readonly fact: F }> {
  /** The facts that are there, in commit order, without the roots. */
  readonly facts: ReadonlyArray<Entry>
  /** The versions of all that is related and of the roots, also of what was revised or pruned since. */
  readonly versions: ReadonlySet<number>
}

/** The causes of a related fact, as versions in commit order; 0 stands for the roots. */
export interface Causes {
  /** The direct causes, up to a number of them. */
  readonly causes: ReadonlyArray<number>
  /** Facts that direct causes come from which are not there any more, up to the same number. None is a direct cause. */
  readonly indirect: ReadonlyArray<number>
  /** The number of direct causes that are left out. */
  readonly omitted: number
}

/** Finds the facts that are related to roots. Undefined if there never was a root. */
export function* relatedIn<F extends Derived, Entry extends { readonly fact: F }>(
  { causesOf, history, isLive }: Past<F, Entry>,
  isRoot: (fact: F) => boolean,
  relation: Relation
): Generator<void, Related<F, Entry> | undefined> {
  const versions = new Set<number>()
  const byTask = new Map<string, boolean>()
  /** The names of facts with a version that is not related. */
  const kept = new Set<string>()
  const related: Array<Entry> = []
  const isRelated = (fact: F): boolean => {
    const causes = causesOf(fact)
    const has = (cause: F): boolean => versions.has(cause.provenance.version)
    if (relation === "follows" || fact.provenance.because !== undefined) return causes.some(has)
    return causes.length > 0 && causes.every(has)
  }
  let steps = 0
  for (const entry of history) {
    const { fact } = entry
    if (++steps % lightStepSize === 0) yield
    if (isRoot(fact)) {
      versions.add(fact.provenance.version)
      continue
    }
    if (versions.size === 0) {
      if (relation === "needs") kept.add(refKey(fact))
      continue
    }
    const task = taskKey(fact)
    let is = byTask.get(task)
    if (is === undefined) byTask.set(task, (is = isRelated(fact)))
    if (is) {
      versions.add(fact.provenance.version)
      related.push(entry)
    } else if (relation === "needs") kept.add(refKey(fact))
  }
  if (versions.size === 0) return undefined
  const facts: Array<Entry> = []
  for (const entry of related) {
    if (++steps % lightStepSize === 0) yield
    if (isLive(entry.fact) && !kept.has(refKey(entry.fact))) facts.push(entry)
  }
  return { facts, versions }
}

/** The causes of a task: versions in order. */
interface OfTask<F> {
  readonly direct: ReadonlyArray<number>
  /** Related causes that are not shown. */
  readonly gone: ReadonlyArray<F>
}

/** The causes among the shown facts, task by task. */
class CausesAmong<F extends Derived> {
  readonly #tasks = new Map<string, OfTask<F>>()
  /** The versions that stand for the gone causes of a task. */
  readonly #stands = new Map<string, ReadonlyArray<number>>()
  readonly #shown: ReadonlySet<number>
  readonly #related: Pick<Related<F, { readonly fact: F }>, "facts" | "versions">
  readonly #causesOf: (fact: F) => ReadonlyArray<F>
  readonly #isRoot: (fact: F) => boolean
  readonly #most: number
  #steps = 0

  constructor(
    related: Related<F, { readonly fact: F }>,
    causesOf: (fact: F) => ReadonlyArray<F>,
    isRoot: (fact: F) => boolean,
    most: number
  ) {
    this.#related = related
    this.#shown = new Set(related.facts.map(({ fact }) => fact.provenance.version))
    this.#causesOf = causesOf
    this.#isRoot = isRoot
    this.#most = most
  }

  *of(fact: F): Generator<void, Causes> {
    const { direct } = yield* this.#task(fact)
    const indirect = yield* this.#standing(fact)
    const isDirect = new Set(direct)
    return {
      causes: direct.slice(0, this.#most),
      indirect: indirect.filter((version) => !isDirect.has(version)),
      omitted: Math.max(0, direct.length - this.#most)
    }
  }

  *#task(fact: F): Generator<void, OfTask<F>> {
    const key = taskKey(fact)
    const known = this.#tasks.get(key)
    if (known !== undefined) return known
    const direct = new Set<number>()
    const gone: Array<F> = []
    for (const cause of this.#causesOf(fact)) {
      if (++this.#steps % lightStepSize === 0) yield
      const { version } = cause.provenance
      if (this.#isRoot(cause)) direct.add(0)
      else if (this.#shown.has(version)) direct.add(version)
      else if (this.#related.versions.has(version)) gone.push(cause)
    }
    const found = { direct: sorted(direct), gone }
    this.#tasks.set(key, found)
    return found
  }

  /** The shown facts that stand for the gone causes of a fact, the first ones in commit order. */
  *#standing(fact: F): Generator<void, ReadonlyArray<number>> {
    const tasks = yield* this.#goneBehind(fact)
    // A cause has a lower version than what follows from it, so what a task needs is known before it.
    for (const [key, { gone }] of tasks) {
      const standing = new Set<number>()
      for (const cause of gone) {
        if (++this.#steps % lightStepSize === 0) yield
        const { direct } = yield* this.#task(cause)
        for (const version of direct.slice(0, this.#most)) standing.add(version)
        for (const version of this.#stands.get(taskKey(cause)) ?? []) standing.add(version)
      }
      this.#stands.set(key, sorted(standing).slice(0, this.#most))
    }
    return this.#stands.get(taskKey(fact)) ?? []
  }

  /** The tasks behind a fact whose gone causes nothing stands for yet, the first committed first; the last is its own. */
  *#goneBehind(fact: F): Generator<void, ReadonlyArray<readonly [string, OfTask<F>]>> {
    const found = new Map<string, { version: number; readonly task: OfTask<F> }>()
    const open: Array<F> = [fact]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (++this.#steps % lightStepSize === 0) yield
      const key = taskKey(next)
      const { version } = next.provenance
      const known = found.get(key)
      // Facts of several cycles may have the same reasons, which are committed before the first of them.
      if (known !== undefined) known.version = Math.min(known.version, version)
      if (known !== undefined || this.#stands.has(key)) continue
      const task = yield* this.#task(next)
      found.set(key, { version, task })
      for (const cause of task.gone) open.push(cause)
    }
    return [...found].sort(([, a], [, b]) => a.version - b.version).map(([key, { task }]) => [key, task])
  }
}

const sorted = (versions: ReadonlySet<number>): ReadonlyArray<number> => [...versions].sort((a, b) => a - b)

/** The causes of some of the related facts, among all of them. `most`: the causes that are named of a fact. */
export function* causesAmong<F extends Derived, Entry extends { readonly fact: F }>(
  { causesOf }: Pick<Past<F, Entry>, "causesOf">,
  related: Related<F, Entry>,
  isRoot: (fact: F) => boolean,
  some: ReadonlyArray<Entry>,
  most: number
): Generator<void, ReadonlyArray<Causes>> {
  const among = new CausesAmong(related, causesOf, isRoot, most)
  const found: Array<Causes> = []
  for (const { fact } of some) found.push(yield* among.of(fact))
  return found
}
