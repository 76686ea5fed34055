/**
 * The beginning of a recorded job, when it is played: with its limits, and on the context of another job if it began with one.
 *
 * A job without such a context starts from its input, so the seeds are those of the program that plays it. One with a context is
 * put into a journal as it began, and resumed there: facts, marks and seeds are the recorded ones, and `migrate` converts them if
 * kinds have changed. Boundary: from a recording to a job of an engine that keeps nothing.
 */
import * as Effect from "effect/Effect"
import * as Engine from "../engine/Engine.ts"
import { decodeHeader } from "../journal/header.ts"
import { InvalidInput, type InvalidProgram, type StartError } from "../outcome/JobError.ts"
import { LogsEnd } from "../job/ending.ts"
import type { Job } from "../job/Job.ts"
import type { Budget } from "../program/Budget.ts"
import { compiledOf } from "../program/erased.ts"
import type { Program } from "../program/Program.ts"
import { JobStore } from "../store/index.ts"
import { canonicalText } from "../values/Canonical.ts"
import { describeError } from "../values/panic.ts"
import { sha256 } from "../values/sha256.ts"
import { beginning } from "./kit.ts"
import type { RecordedBudget, Recording } from "./recording.ts"

const jobId = "recorded"

type Beginning = Pick<Recording, "base" | "budget" | "context" | "input" | "jobId" | "program">

/** Begins a recorded job. `cycles`: a limit of cycles in the place of the recorded one. */
export const begunAs = (
  program: Program.Any,
  recording: Beginning,
  cycles: number | undefined
): Effect.Effect<Job<Program.Any>, StartError | InvalidProgram, Engine.Engine | JobStore> =>
  Effect.suspend((): Effect.Effect<Job<Program.Any>, StartError | InvalidProgram, Engine.Engine | JobStore> => {
    const refuse = (message: string) => Effect.fail(new InvalidInput({ program: program.name, message }))
    const { base, budget = {}, context, input, jobId: id, program: name } = recording
    if (name !== program.name) return refuse(`job ${id} is of the program ${JSON.stringify(name)}`)
    const limits = cycles === undefined ? budget : { ...budget, cycles }
    if (base !== undefined) return resumed(program, recording, limits)
    if (context !== undefined) {
      return refuse(
        `job ${id} began with the context of another job, which the recording does not have: record it again`
      )
    }
    let decoded: unknown
    try {
      decoded = compiledOf(program).inputCodec.decode(canonicalText(input))
    } catch (error) {
      return refuse(`the input of job ${id} does not fit: ${describeError(error)}`)
    }
    return beginning(program, decoded, { budget: budgetOf(limits) }, jobId)
  })

/** The recorded limits as a budget. Limits of time are left out, since a played job waits for nothing. */
const budgetOf = ({ agents, contextBytes, cost, cycles, facts, tokens }: RecordedBudget): Budget => {
  const limit = (most: number | null | undefined): number | undefined => (most === null ? Infinity : most)
  return {
    maxCycles: limit(cycles),
    maxFacts: limit(facts),
    maxAgents: limit(agents),
    maxContextBytes: limit(contextBytes),
    maxTokens: limit(tokens),
    maxCost: limit(cost),
    maxDuration: Infinity,
    maxCpuTime: Infinity
  }
}

const resumed = (program: Program.Any, { base, jobId: id, program: name }: Beginning, limits: RecordedBudget) =>
  Effect.gen(function* () {
    const { header: written, pieces, text } = base!
    const header = yield* Effect.try({
      try: () => decodeHeader(written),
      catch: (error) =>
        new InvalidInput({ program: name, message: `the beginning of job ${id}: ${describeError(error)}` })
    })
    const budget = { ...header.budget, ...limits, duration: null, cpuTime: null }
    const store = yield* JobStore
    const fence = yield* store.create({
      jobId,
      program: name,
      createdAt: 0,
      text: () => text,
      hash: sha256(text),
      header: () => JSON.stringify({ ...header, budget }),
      base: () => pieces
    })
    yield* store.release(jobId, fence)
    // The services of a program are those of its recorded answers: it needs none.
    const job = Engine.resume(program, jobId) as Effect.Effect<
      Job<Program.Any>,
      StartError | InvalidProgram,
      Engine.Engine
    >
    return yield* Effect.provideService(job, LogsEnd, false)
  })
