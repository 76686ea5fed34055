/**
 * The casts between an engine, which runs jobs of any program, and its public types, which speak of one program.
 *
 * Inside the engine a program is compiled: the types of its input, its kinds and its services are gone, so every effect that
 * starts a job requires `unknown`. Each cast here gives back a type that the caller's program or handler has named. Boundary:
 * types; nothing is decided here.
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

/** An effect that requires what its caller's types say, and nothing else of `unknown`. */
export const requiring = <A, E, R>(effect: Effect.Effect<A, E, unknown>): Effect.Effect<A, E, R> =>
  effect as Effect.Effect<A, E, R>

/** The handle of a job that an effect starts, typed by the program that the job is of. */
export const jobOf = <P extends Program.Any, E>(
  started: Effect.Effect<JobSession, E, unknown>
): Effect.Effect<Job<P>, E, Needs<P>> => requiring(Effect.map(started, fromSession<P>))

/** As `jobOf`, of many jobs. */
export const jobsOf = <P extends Program.Any, E>(
  started: Effect.Effect<ReadonlyArray<JobSession>, E, unknown>
): Effect.Effect<ReadonlyArray<Job<P>>, E, Needs<P>> =>
  requiring(Effect.map(started, (sessions) => sessions.map(fromSession<P>)))
