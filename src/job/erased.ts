/**
 * The casts of this folder, each with the reason why it is safe.
 *
 * Compiling a program erases the types of its definitions, and a session knows only the compiled program. The public types
 * have been checked before, so they are asserted here. Boundary: types; nothing here changes a value.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Job } from "./Job.ts"
import type { JobError } from "../outcome/JobError.ts"
import type { JobResult } from "../outcome/JobResult.ts"
import type { Program } from "../program/Program.ts"

/** An agent's effect, ready to run. Its services are among those of the job's start, because `Engine.start` requires them. */
export const provided = (effect: Effect.Effect<unknown, unknown, unknown>): Effect.Effect<unknown, unknown> =>
  effect as Effect.Effect<unknown, unknown>

/** The exit that an effect is; undefined for any other effect. An exit that is typed as an effect has that effect's types. */
export const exitOf = <A, E>(effect: Effect.Effect<A, E>): Exit.Exit<A, E> | undefined =>
  Exit.isExit(effect) ? (effect as Exit.Exit<A, E>) : undefined

/** The result belongs to the program of the handle. */
export const typedResult = <P extends Program.Any>(result: Effect.Effect<JobResult, JobError>): Job<P>["result"] =>
  result as unknown as Job<P>["result"]
