/**
 * An inquiry in the terminal. End it at a question, and start it again: it goes on, and what was paid stays paid.
 *
 *     node docs/examples/research/main.ts --store /tmp/inquiry.db "the sea"
 */
import type { Job } from "effect-converge"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { createInterface } from "node:readline"
import { parseArgs } from "node:util"
import { engineOn, reviewed } from "./review.ts"
import { script, scriptedModel } from "./scriptedModel.ts"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { store: { type: "string", default: join(tmpdir(), "inquiry.db") } }
})
const topic = positionals.join(" ") || "the sea"

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

const decide = ({ data, id, question }: Job.OpenApproval) =>
  Effect.gen(function* () {
    yield* Console.log(`${id}: ${(data as { readonly text: string }).text}`)
    yield* Console.log(`${question ?? ""} (y, or what to change)`)
    const line = yield* Effect.promise(() => lines.next())
    if (line.done === true) return yield* Effect.fail("NoAnswer" as const)
    return { approved: line.value === "y", by: "the reader", reason: line.value }
  })

const program = reviewed(`inquiry into ${topic}`, topic, decide).pipe(
  Effect.flatMap(({ output, usage }) =>
    Console.log(JSON.stringify({ ...output, tokens: usage.tokens, cost: usage.cost }, null, 2))
  ),
  Effect.catchIf(
    (error) => error === "NoAnswer",
    () => Console.log("The inquiry waits for an answer: start it again.")
  ),
  Effect.ensuring(Effect.sync(() => process.stdin.destroy()))
)

await Effect.runPromise(Effect.provide(program, engineOn(values.store, scriptedModel(script))))
