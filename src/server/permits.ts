/**
 * Checks whether a token may touch the jobs of a program, and logs who steered a job.
 *
 * Boundary: asks the directory for a job's program before a route touches the job; guard.ts has checked the token's scope.
 */
import * as Effect from "effect/Effect"
import { Sender } from "./api.ts"
import type { SharedCore } from "./core.ts"
import * as Problems from "./problems.ts"
import type { Access } from "./tokens.ts"

/** Whether an access includes a program's jobs. */
export const isAllowed = ({ programs }: Access, program: string): boolean =>
  programs === undefined || programs.includes(program)

const refuse = Effect.fail(new Problems.Forbidden({ detail: "the token is for the jobs of other programs" }))

/** Refuses a program whose jobs the token excludes. */
export const permitProgram = (program: string): Effect.Effect<void, Problems.Forbidden, Sender> =>
  Effect.flatMap(Sender, (access) => (isAllowed(access, program) ? Effect.void : refuse))

/** Refuses a token that is limited to some programs. */
export const permitAll: Effect.Effect<void, Problems.Forbidden, Sender> = Effect.flatMap(Sender, ({ programs }) =>
  programs === undefined ? Effect.void : refuse
)

/** Refuses a job of a program that the token excludes. The route refuses an unknown job. */
export const permitJob = Effect.fnUntraced(function* ({ directory }: SharedCore, jobId: string) {
  const access = yield* Sender
  if (access.programs === undefined) return
  const program = yield* directory.programOf(jobId)
  if (program !== undefined && !isAllowed(access, program)) return yield* refuse
})

/** Logs an action on a job, and the name of the token that asked for it. */
export const audit = (
  action: "start" | "cancel" | "pause" | "resume" | "signal" | "decide" | "fork" | "delete",
  jobId: string
) =>
  Effect.flatMap(Sender, ({ name }) => {
    // jobLog.ts logs each start already.
    if (name === undefined && action === "start") return Effect.void
    const annotations = { action, job: jobId, ...(name === undefined ? {} : { token: name }) }
    return Effect.annotateLogs(Effect.logInfo(`job ${jobId}: ${action} by ${name ?? "anybody"}`), annotations)
  })
