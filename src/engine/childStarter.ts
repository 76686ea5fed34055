/**
 * The engine's side of child jobs. It starts the job of an intent, or takes it up: live, from its journal, or at its end.
 *
 * Boundary: implements the port of childJobs.ts, which performs the intent and bounds the number of children.
 */
import * as Effect from "effect/Effect"
import type { JobSession } from "../job/session.ts"
import { findJournal } from "../journal/find.ts"
import type { StartError } from "../outcome/JobError.ts"
import type { CompiledProgram } from "../program/erased.ts"
import type { InvalidProgram } from "../program/InvalidProgram.ts"
import type { ChildJob, ChildLimits, ChildStarter } from "./childJobs.ts"
import { endJob } from "./cancellation.ts"
import type { EngineState } from "./engineState.ts"
import { freshBeginning } from "./genesis.ts"
import { resumeStored } from "./resuming.ts"
import { startNew } from "./starting.ts"
import { budgetOf, encodeInputJson, encodeSeeds } from "./startRequest.ts"

/** Makes the starter of children, for some programs by name, within limits. */
export const childStarter = (
  engine: EngineState,
  { programs, ...limits }: ChildLimits & { readonly programs: ReadonlyMap<string, CompiledProgram> }
): ChildStarter => ({
  ...limits,
  programOf: (name) => programs.get(name),
  start: (child) => startChild(engine, child),
  end: (jobId) => endJob(engine, jobId),
  services: engine.services
})

const startChild = (engine: EngineState, child: ChildJob): Effect.Effect<JobSession, StartError | InvalidProgram> => {
  // A job that was not taken up as a child may still wait for a place.
  const placed = Effect.tap(takenUpOrNew(engine, child), (session) =>
    Effect.sync(() => engine.admission.placeChild(session))
  )
  return Effect.provideContext(placed, engine.services)
}

const takenUpOrNew = (
  engine: EngineState,
  { depth, jobId, parent, payload, program, share }: ChildJob
): Effect.Effect<JobSession, StartError | InvalidProgram, unknown> =>
  Effect.gen(function* () {
    const { admission, live, store } = engine
    const present = live.findOf(program, jobId)
    if (present !== undefined) return present
    const refused = admission.refuse(jobId, true) ?? live.refuseId(program, jobId)
    if (refused !== undefined) return yield* refused
    const budget = yield* budgetOf(program, payload.budget, share)
    const encoded = yield* encodeInputJson(program, payload.input)
    const input = encoded.text
    const journal = store.isDurable ? yield* findJournal(store, jobId) : undefined
    if (journal !== undefined) return yield* resumeStored(engine, { program, journal, input, isChild: true, parent })
    const seeds = yield* encodeSeeds(program, encoded.value)
    const { attributes } = live.findStarted(parent) ?? {}
    const beginning = { ...freshBeginning, parent, depth, handed: share, attributes }
    return yield* startNew(engine, { program, jobId, id: "given", budget, input, seeds, beginning })
  })
