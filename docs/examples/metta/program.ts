/**
 * A MeTTa program as a job: steps between barriers are evaluated side by side, each in the world as it was at the barrier.
 *
 *     advance   where the next batches begin and end, and a first look at each of their evaluations, on the main thread: most are
 *               over within it
 *     evaluate  the others of a batch, each a task of its own, on worker threads; a very long one hands its rest out in parts, as
 *               tasks of the next cycle
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
import { advance } from "./advance.ts"
import { defaultLimits, type Limits } from "./budget.ts"
import { evaluateStep, unfinished } from "./evaluation.ts"
import { Batch, Open, Outcome, Step } from "./facts.ts"
import { linesOf } from "./lines.ts"
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

const goOn = Agent.cpu("advance", {
  reads: [Step, Batch, Open, Outcome],
  writes: [Batch, Outcome, Open],
  placement: "inline",
  accepts: (view) => {
    const open = view.by(Open, "batch", view.size(Batch) - 1).at(-1)
    // Tasks execute in the cycle after the one that opened them. Some may have failed, and left nothing.
    return open === undefined || view.cycle > open.provenance.cycle + 1
  },
  execute: (view) => {
    const { batches, outcomes, opens } = advance(knownOf(view), view.size(Batch), limitsOf(view.input))
    return {
      facts: [
        ...batches.map((each) => Batch.of(each)),
        ...outcomes.map((each) => Outcome.of(each)),
        ...opens.map((each) => Open.of(each))
      ]
    }
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
  agents: [goOn, evaluate],
  budget: { maxCycles: 10_000_000, maxFacts: 100_000_000 },
  output: (view) => linesOf(knownOf(view), view.size(Step), view.size(Batch))
})
