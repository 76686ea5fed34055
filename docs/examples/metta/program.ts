/**
 * A MeTTa program as a job: steps between barriers are evaluated side by side, each in the world as it was at the barrier.
 *
 *     plan      where the next batch begins and ends, once all of the one before has its outcome
 *     probe     a first look at each evaluation of a batch, on the main thread: most are over within it
 *     evaluate  the others, each a task of its own, on worker threads; a very long one hands its rest out in parts, as tasks of
 *               the next cycle
 *
 * A definition ends a batch, and so does an evaluation that may change the world: it is a batch of its own. An evaluation that turns out
 * to change the world, against what its symbols told, says so and changes nothing; the next batch is that evaluation alone, and
 * those after it are evaluated again, in the world that it made. So the outcome of every evaluation is that of a program that
 * runs one step after the other.
 *
 * How much is looked at on the main thread is decided by counted steps, never by time: facts do not depend on the machine.
 */
import * as Schema from "effect/Schema"
import { Agent, Program } from "effect-converge"
import { defaultLimits, type Limits, work } from "./budget.ts"
import { evaluateStep, unfinished } from "./evaluation.ts"
import { Batch, Open, Outcome, Step } from "./facts.ts"
import { linesOf } from "./lines.ts"
import { nextBatch } from "./plan.ts"
import { stepsOf } from "./steps.ts"
import { type Known, knownTo, type KnowingView, worldOf } from "./worlds.ts"

/** The text of a program, or of what goes on with one; and the limits of each evaluation. */
export const Input = Schema.Struct({
  text: Schema.String,
  maxSteps: Schema.optionalKey(Schema.Number),
  maxDepth: Schema.optionalKey(Schema.Number),
  /** The numbers of the first step and evaluation, for a text that goes on with the context of an earlier job. */
  first: Schema.optionalKey(Schema.Struct({ step: Schema.Number, evaluation: Schema.Number }))
})

const limitsOf = (input: unknown): Limits => {
  const { maxSteps, maxDepth } = input as typeof Input.Type
  return { steps: maxSteps ?? defaultLimits.steps, depth: maxDepth ?? defaultLimits.depth }
}

const knownOf = (view: KnowingView & { readonly input: unknown }): Known => knownTo(view, limitsOf(view.input).steps)

/** The steps that an evaluation gets at its first look, and those of a batch together that are spent on looks in vain, and on all. */
const firstLook = { each: 5_000, inVain: 15_000, all: 50_000 }

const plan = Agent.cpu("plan", {
  reads: [Step, Batch, Open, Outcome],
  writes: [Batch],
  placement: "inline",
  accepts: (view) => {
    const batch = view.size(Batch) - 1
    if (batch < 0) return true
    const open = view.by(Open, "batch", batch).at(-1)
    if (open === undefined) return view.by(Outcome, "batch", batch).length > 0
    // Tasks execute in the cycle after the one that opened them. Some may have failed, and left nothing.
    return view.cycle > open.provenance.cycle + 1
  },
  execute: (view) => {
    const next = nextBatch(knownOf(view), view.size(Batch))
    return { facts: next === undefined ? [] : [Batch.of(next)] }
  }
})

/** An evaluation that throws fails in a task of its own, not in that of all. */
const look = (evaluateIt: () => ReturnType<typeof evaluateStep>): ReturnType<typeof evaluateStep> => {
  try {
    return evaluateIt()
  } catch {
    return unfinished
  }
}

const probe = Agent.cpu("probe", {
  each: Batch,
  reads: [Step, Batch, Outcome],
  writes: [Outcome, Open],
  placement: "inline",
  execute: ({ value: batch }, view) => {
    const known = knownOf(view)
    const world = worldOf(batch, known)
    const limits = limitsOf(view.input)
    const facts: Array<ReturnType<typeof Outcome.of> | ReturnType<typeof Open.of>> = []
    let spent = 0
    let inVain = 0
    for (let number = batch.from; number < batch.until; number++) {
      const step = known.step(number)
      if (step === undefined) continue
      const most = Math.min(firstLook.each, limits.steps)
      const mayLook = spent < firstLook.all && inVain < firstLook.inVain
      const outcome = mayLook ? look(() => evaluateStep(step, batch, world, { limits, look: most })) : unfinished
      if (mayLook) spent += work.steps
      if (outcome === unfinished) {
        if (mayLook) inVain += most
        facts.push(Open.of({ batch: batch.number, step: number, part: "" }))
        continue
      }
      facts.push(Outcome.of(outcome))
      // What comes after it is evaluated in another world.
      if (outcome.says === "changes") break
    }
    return { facts }
  }
})

const evaluate = Agent.cpu("evaluate", {
  each: Open,
  reads: [Step, Batch, Outcome],
  writes: [Outcome, Open],
  timeout: "10 minutes",
  onFailure: { panic: "discard", crash: "discard", timeout: "discard" },
  execute: ({ value: { batch: of, step: number, part } }, view) => {
    const known = knownOf(view)
    const batch = known.batch(of)
    const step = known.step(number)
    if (batch === undefined || step === undefined) return {}
    const outcome = evaluateStep(step, batch, worldOf(batch, known), { limits: limitsOf(view.input), part })
    if (outcome === unfinished) return {}
    const parts = outcome.parts.map((each) => Open.of({ batch: of, step: number, part: each }))
    return { facts: [Outcome.of(outcome), ...parts] }
  }
})

/** A MeTTa program. */
export const metta = Program.make("metta", {
  module: import.meta.url,
  input: Input,
  seed: function* ({ text, first }) {
    for (const step of stepsOf(text, first)) yield Step.of(step)
  },
  agents: [plan, probe, evaluate],
  budget: { maxCycles: 10_000_000, maxFacts: 100_000_000 },
  output: (view) => linesOf(knownOf(view), view.size(Step), view.size(Batch))
})
