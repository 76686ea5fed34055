/**
 * Drives jobs of programs/chain.ts: as a whole, and with the pool's port alone.
 *
 * The port is driven as the engine drives it: before each batch the ledger holds the values that the batch before gave, so
 * a batch carries its inputs to the workers, as the messages of every other contender do.
 */
import * as Effect from "effect/Effect"
import type * as Source from "../../../src/index.ts"
import type { Program as AnyProgram } from "../../../src/program/Program.ts"
import type { CpuBatch, CpuOutcome, CpuTask } from "../../../src/workers/WorkerPool.ts"
import { internal, WorkerPool } from "../converge.ts"
import { Lane, standing } from "../programs/chain.ts"
import { contextAfter, type LiveEngine } from "./engine.ts"
import type { CompiledProgram } from "../../../src/program/erased.ts"

/** The input of such a job. */
export interface Input {
  readonly lanes: number
  readonly steps: number
}

type ChainProgram = AnyProgram<string, Input, undefined, never, never, typeof Lane>

/** The values of all lanes, in the order of the lanes. */
const valuesOf = (context: Source.JobContext.JobContext): ReadonlyArray<number> =>
  context
    .all(Lane)
    .map(({ value }) => value)
    .sort((a, b) => a.lane - b.lane)
    .map(({ value }) => value)

/** Runs a whole job for some cycles. */
export const runCycles = async (engine: LiveEngine, program: ChainProgram, input: Input, cycles: number) =>
  valuesOf(await engine.run(contextAfter(program, input, { budget: { maxCycles: cycles } })))

const provenance = { cycle: 0, origin: "seed", agent: "", each: undefined, since: 0, until: 0 } as const

export interface Port {
  /** Runs batches of one task for each lane, and returns the values that the last one gave. */
  readonly run: (
    batches: number,
    onBatch?: (outcomes: ReadonlyArray<CpuOutcome>) => void
  ) => Promise<ReadonlyArray<number>>
}

/** The pool's port, with a ledger by hand. Each run is a job of its own, which is released at its end. */
export const startPort = async (engine: LiveEngine, program: ChainProgram, input: Input): Promise<Port> => {
  const { Ledger } = await internal.context()
  const { compiledOf, eraseKind } = await internal.definitions()
  const compiled: CompiledProgram = compiledOf(program)
  const kind = eraseKind(Lane)
  const agent = compiled.agents[0]!
  let jobs = 0
  let jobId = ""

  const run = (batches: number, onBatch?: (outcomes: ReadonlyArray<CpuOutcome>) => void) =>
    Effect.gen(function* () {
      const pool = yield* WorkerPool.WorkerPool
      const ledger = Ledger.make(compiled.name, new Map())
      jobId = `port-${jobs++}`
      for (let lane = 0; lane < input.lanes; lane++) {
        const { text, value } = kind.codec.encode({ lane, value: lane, steps: input.steps })
        ledger.add(kind, String(lane), value, text, provenance)
      }
      let since = 0
      for (let cycle = 1; cycle <= batches; cycle++) {
        const tasks: ReadonlyArray<CpuTask> = ledger
          .delta(kind.name, since)
          .map(({ fact }) => ({ agent, agentIndex: 0, each: { kind: fact.kind, id: fact.id }, since }))
        since = ledger.version
        const batch: CpuBatch = {
          jobId,
          program: compiled,
          ledger,
          cycle,
          tasks,
          cpuBudgetMs: Infinity,
          onProgress: undefined
        }
        const outcomes = yield* pool.execute(batch)
        for (const { result } of outcomes) {
          if ("_tag" in result) return yield* Effect.die(new Error(`a task gave ${result._tag}`))
          for (const { id, text, value } of result.facts) ledger.add(kind, id, value, text, provenance)
        }
        onBatch?.(outcomes)
      }
      return valuesOf(ledger)
    })

  const release = Effect.flatMap(WorkerPool.WorkerPool, (pool) => pool.release(jobId))
  return { run: (batches, onBatch) => engine.run(Effect.ensuring(run(batches, onBatch), release)) }
}

/** The same on a context that does not change, which leaves the pool alone. The workers have it before the first run. */
export const startStanding = async (engine: LiveEngine, input: Input): Promise<Port> => {
  const { Ledger } = await internal.context()
  const { compiledOf, eraseKind } = await internal.definitions()
  const compiled: CompiledProgram = compiledOf(standing)
  const kind = eraseKind(Lane)
  const agent = compiled.agents[0]!
  const ledger = Ledger.make(compiled.name, new Map())
  for (let lane = 0; lane < input.lanes; lane++) {
    const { text, value } = kind.codec.encode({ lane, value: lane, steps: input.steps })
    ledger.add(kind, String(lane), value, text, provenance)
  }
  const tasks: ReadonlyArray<CpuTask> = Array.from({ length: input.lanes }, (_, lane) => ({
    agent,
    agentIndex: 0,
    each: { kind: kind.name, id: String(lane) },
    since: 0
  }))
  const batch = { jobId: "standing", program: compiled, ledger, tasks, cpuBudgetMs: Infinity, onProgress: undefined }
  const run = (batches: number) =>
    Effect.gen(function* () {
      const pool = yield* WorkerPool.WorkerPool
      let outcomes: ReadonlyArray<CpuOutcome> = []
      for (let cycle = 1; cycle <= batches; cycle++) outcomes = yield* pool.execute({ ...batch, cycle })
      return outcomes.map(({ result }) => ("_tag" in result ? -1 : result.tokens))
    })
  return { run: (batches) => engine.run(run(batches)) }
}
