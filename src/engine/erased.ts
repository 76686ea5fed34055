/**
 * The casts between an engine, which runs jobs of any program, and its public types, which belong to one program.
 *
 * Inside the engine a program is compiled. The types of its input, its kinds and its services are erased, so every effect that
 * starts a job requires `unknown`. Each cast here restores a type of the caller's program or handler. Boundary: types; this file
 * decides nothing.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Job } from "../job/Job.ts"
import { fromSession } from "../job/jobHandle.ts"
import type { JobSession } from "../job/session.ts"
import type { Program } from "../program/Program.ts"
import type { Needs } from "./options.ts"

/**
 * The services that an engine's layer is built with. The type of `Engine.layer` requires what the agents of `programs` and
 * `children` and the handlers need, so the context has it, although no type inside the engine can name it.
 */
export const layerServices = Effect.context<never>() as Effect.Effect<Context.Context<unknown>>

/** Restores the requirements of an effect from its caller's types. */
export const requiring = <A, E, R>(effect: Effect.Effect<A, E, unknown>): Effect.Effect<A, E, R> =>
  effect as Effect.Effect<A, E, R>

/** Restores the type of a job's handle from the job's program. */
export const jobOf = <P extends Program.Any, E>(
  started: Effect.Effect<JobSession, E, unknown>
): Effect.Effect<Job<P>, E, Needs<P>> => requiring(Effect.map(started, fromSession<P>))

/** Does the same as `jobOf` for many jobs. */
export const jobsOf = <P extends Program.Any, E>(
  started: Effect.Effect<ReadonlyArray<JobSession>, E, unknown>
): Effect.Effect<ReadonlyArray<Job<P>>, E, Needs<P>> =>
  requiring(Effect.map(started, (sessions) => sessions.map(fromSession<P>)))
