/**
 * Crawls the hosts of some addresses.
 *
 *     node docs/examples/crawler/main.ts https://example.org/ --depth 2 --pages 50
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Engine, Program } from "effect-converge"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { parseArgs } from "node:util"
import { crawl } from "./program.ts"

const { positionals: start, values } = parseArgs({
  allowPositionals: true,
  options: { depth: { type: "string", default: "2" }, pages: { type: "string", default: "50" } }
})

const program = Engine.run(crawl, { start, maxDepth: Number(values.depth), maxPages: Number(values.pages) }).pipe(
  Effect.map(({ diagnostics, output }) => ({ diagnostics, output })),
  // Out of time: what was found by then is a result, too.
  Effect.catchTag("BudgetExhausted", ({ partial: { context, diagnostics } }) =>
    Effect.succeed({ diagnostics, output: Program.output(crawl, context) })
  ),
  Effect.flatMap(({ diagnostics, output }) =>
    Effect.gen(function* () {
      yield* Console.log(JSON.stringify(output, null, 2))
      for (const { cause, each } of diagnostics) yield* Console.log(`${each?.id ?? ""}: ${cause._tag}`)
    })
  )
)

// This client does not follow redirects by itself. One that does would hide them from the program, and from robots rules.
await Effect.runPromise(Effect.provide(program, [Engine.layerMemory, NodeHttpClient.layerUndici]))
