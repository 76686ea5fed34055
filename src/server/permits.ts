/**
 * The rights of a token in the jobs of some programs alone, and the line of the log about a job that was steered.
 *
 * Boundary: asks the directory for a job's program before the job is touched; the scope of a request is checked before.
 */
import * as Effect from "effect/Effect"
import { Sender } from "./api.ts"
import type { SharedCore } from "./core.ts"
import * as Problems from "./problems.ts"
import type { Access } from "./tokens.ts"

/** Whether an access is for a program's jobs. */
export const isAllowed = ({ programs }: Access, program: string): boolean =>
  programs === undefined || programs.includes(program)

const refuse = Effect.fail(new Problems.Forbidden({ detail: "the token is for the jobs of other programs" }))

/** Refuses a program that the token is not for. */
export const permitProgram = (program: string): Effect.Effect<void, Problems.Forbidden, Sender> =>
  Effect.flatMap(Sender, (access) => (isAllowed(access, program) ? Effect.void : refuse))

/** Refuses a token that is for some programs alone. */
export const permitAll: Effect.Effect<void, Problems.Forbidden, Sender> = Effect.flatMap(Sender, ({ programs }) =>
  programs === undefined ? Effect.void : refuse
)

/** Refuses a job of a program that the token is not for. An unknown job is for the route to refuse. */
export const permitJob = Effect.fnUntraced(function* ({ directory }: SharedCore, jobId: string) {
  const access = yield* Sender
  if (access.programs === undefined) return
  const program = yield* directory.programOf(jobId)
  if (program !== undefined && !isAllowed(access, program)) return yield* refuse
})

/** Logs what is done with a job, and by whom. */
export const audit = (action: "start" | "cancel" | "pause" | "resume" | "signal", jobId: string) =>
  Effect.flatMap(Sender, ({ name }) => {
    // A start has a line of its own.
    if (name === undefined && action === "start") return Effect.void
    const annotations = { action, job: jobId, ...(name === undefined ? {} : { token: name }) }
    return Effect.annotateLogs(Effect.logInfo(`job ${jobId}: ${action} by ${name ?? "anybody"}`), annotations)
  })
