/** The store as it is published. Reads dist, so `npm run build` comes first. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { withFolder } from "../support/store/harness.ts"
import { node } from "../support/node.ts"

const script = (filename: string) => `
  const Effect = await import("effect/Effect")
  const { JobStore } = await import("effect-converge")
  const work = Effect.gen(function* () {
    const store = yield* JobStore.JobStore
    const job = { jobId: "a", program: "p", createdAt: 1, text: () => "", hash: "", header: () => "", base: undefined }
    const fence = yield* store.create(job)
    yield* store.append("a", fence, { cycle: 1, text: () => "", hash: "", extra: () => "" })
    console.log((yield* store.load("a")).cycle)
  })
  await Effect.runPromise(Effect.provide(work, JobStore.layerSqlite({ filename: ${JSON.stringify(filename)} })))
`

it.live("the built package keeps journals in a file, and lets the process end", () =>
  withFolder((folder) =>
    Effect.gen(function* () {
      const run = node(["--input-type=module", "--eval", script(join(folder, "a.db"))])
      expect(yield* Effect.promise(() => run)).toEqual({ code: 0, stdout: "1\n", stderr: "" })
    })
  )
)
