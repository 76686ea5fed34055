/** Runs programs as jobs, on engines of several sizes. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Engine, type Job, JobStore, WorkerPool } from "effect-converge"
import { withCauses } from "../../../docs/examples/metta/causes.ts"
import { metta } from "../../../docs/examples/metta/program.ts"

export type Input = Parameters<typeof Engine.run<typeof metta>>[1]
export type Result = Job.JobResult<typeof metta>

/** Runs a program on an engine. */
export type RunProgram = (input: Input) => Promise<Result>

/** Gives a way to run programs on one engine, which is closed when the body ends. */
export const withEngine = <A>(options: WorkerPool.Options, body: (run: RunProgram) => Promise<A>): Promise<A> => {
  const pool = WorkerPool.layer(options)
  const engine = Engine.layer().pipe(Layer.provide(pool), Layer.provide(JobStore.layerMemory))
  return Effect.runPromise(
    Effect.contextWith((context: import("effect/Context").Context<Engine.Engine>) =>
      Effect.promise(() => body((input) => Effect.runPromiseWith(context)(Engine.run(metta, input))))
    ).pipe(Effect.provide(engine))
  )
}

/** The results of each evaluation, in the order of the text. */
export const linesOf = ({ output, diagnostics }: Result): Array<ReadonlyArray<string>> =>
  withCauses(output, diagnostics).map(({ results }) => results)
