/**
 * The world of a batch, made of the steps and outcomes before it.
 *
 * A thread keeps the worlds that it made last, by the digest of what they were made of. So the next batch costs what is new, and
 * a world of another job, or of none, is never taken for it: what is kept changes the time that a task takes and nothing else.
 */
import { createHash } from "node:crypto"
import * as Option from "effect/Option"
import { beginWork } from "./budget.ts"
import { Batch, Outcome, Step, taskId } from "./facts.ts"
import { parseAtoms } from "./parse.ts"
import { World } from "./world.ts"

/** The facts that a world is made of. A view of a job is one. */
export interface Known {
  /** The steps that an evaluation may take. */
  readonly maxSteps: number
  readonly step: (number: number) => Step | undefined
  readonly batch: (number: number) => Batch | undefined
  readonly outcome: (batch: number, step: number, part?: string) => Outcome | undefined
}

/** A view that shows the kinds a world is made of. */
export interface KnowingView {
  readonly get: {
    (kind: typeof Step, id: string): Option.Option<{ readonly value: Step }>
    (kind: typeof Batch, id: string): Option.Option<{ readonly value: Batch }>
    (kind: typeof Outcome, id: string): Option.Option<{ readonly value: Outcome }>
  }
}

const valueOf = <T>(found: Option.Option<{ readonly value: T }>): T | undefined => Option.getOrUndefined(found)?.value

export const knownTo = (view: KnowingView, maxSteps: number): Known => ({
  maxSteps,
  step: (number) => valueOf(view.get(Step, String(number))),
  batch: (number) => valueOf(view.get(Batch, String(number))),
  outcome: (batch, step, part = "") => valueOf(view.get(Outcome, taskId(batch, step, part)))
})

/** The digest of the empty world. */
export const emptyDigest = ""

/** A part of a program between two barriers: what it was evaluated as, and the steps that are in the next world. */
interface Stretch {
  readonly batch: number
  readonly from: number
  readonly until: number
}

/** The digest of a world with the steps of a stretch in it. */
export const extendedDigest = (digest: string, known: Known, stretch: Stretch): string => {
  const hash = createHash("sha256").update(digest)
  for (let number = stretch.from; number < stretch.until; number++) {
    const step = known.step(number)
    if (step === undefined || step.does === "fault") continue
    if (step.does === "define") hash.update(JSON.stringify([number, step.text, step.line, step.column]))
    else {
      const changes = known.outcome(stretch.batch, number)?.changes ?? []
      if (changes.length > 0) hash.update(JSON.stringify([number, step.evaluation, step.line, step.column, changes]))
    }
  }
  return hash.digest("hex")
}

/** Adds to a world what the steps of a stretch define and change. */
const extend = (world: World, known: Known, stretch: Stretch): void => {
  beginWork(Number.POSITIVE_INFINITY)
  for (let number = stretch.from; number < stretch.until; number++) {
    const step = known.step(number)
    if (step === undefined || step.does === "fault") continue
    if (step.does === "define")
      for (const { atom, ...origin } of parseAtoms(step.text, world.meaning, step)) world.define(atom, origin)
    else {
      const { line, column, evaluation } = step
      world.apply(known.outcome(stretch.batch, number)?.changes ?? [], { line, column, evaluation })
    }
  }
}

/** The worlds that this thread made last, the newest last, by their digests. */
const kept = new Map<string, World>()

const keptWorlds = 3
const keptAtoms = 3_000_000

const keep = (digest: string, world: World): World => {
  kept.delete(digest)
  kept.set(digest, world)
  const atoms = (): number => [...kept.values()].reduce((sum, each) => sum + each.atoms, 0)
  for (const oldest of kept.keys()) {
    if (kept.size <= 1 || (kept.size <= keptWorlds && atoms() <= keptAtoms)) break
    kept.delete(oldest)
  }
  return world
}

/** The world in which a batch is evaluated. An evaluation that changes it has to undo that. */
export const worldOf = (batch: Batch, known: Known): World => {
  const found = kept.get(batch.digest)
  if (found !== undefined) return keep(batch.digest, found)
  const stretches: Array<Stretch> = []
  let world: World | undefined
  let until = batch.from
  for (let number = batch.number - 1; world === undefined; number--) {
    const earlier = known.batch(number)
    stretches.push({ batch: number, from: earlier?.from ?? 0, until })
    if (earlier === undefined) world = new World()
    else {
      until = earlier.from
      world = kept.get(earlier.digest)
      kept.delete(earlier.digest)
    }
  }
  for (const stretch of stretches.reverse()) extend(world, known, stretch)
  return keep(batch.digest, world)
}
