/**
 * A client of that server, typed by the program. It only reads the program: its agents run on the server.
 */
import { Client } from "effect-converge/client"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { concordance } from "./program.ts"

export const ask = (baseUrl: string) =>
  Effect.gen(function* () {
    const jobs = yield* Client.program(concordance, { baseUrl })
    // The id makes the start safe to repeat: a second one gets the same job.
    const job = yield* jobs.start({ texts: { hamlet: "to be or not to be" } }, { id: "hamlet" })
    const { output } = yield* job.result
    const ends = yield* job.events().pipe(
      Stream.filter((event) => event._tag === "JobHalted"),
      Stream.runCollect
    )
    return { to: output["to"], ends: ends.length }
  })
