/** Jobs of programs that a server does not serve: it tells of them what their journals have. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { Agent, Fact, JobStore, Program } from "../../src/index.ts"
import { discardAll } from "../support/core/lenient.ts"
import { jsonOf, serve } from "../support/server/harness.ts"
import { count } from "../support/server/programs.ts"

const folder = mkdtempSync(join(tmpdir(), "unserved-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String }) {}
const Item = Fact.kind("Item", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
const seeded = { input: Schema.Struct({}), seed: () => [0, 1, 2].map((n) => Item.of({ n })) }
const refuse = Effect.fail(new Refused({ why: "the gateway is down" }))

const lossy = Program.make("lossy", {
  ...seeded,
  agents: [Agent.make("try", { each: Item, onFailure: discardAll, execute: () => refuse })],
  output: (view) => view.size(Item)
})
const fails = Program.make("fails", { ...seeded, agents: [Agent.make("try", { each: Item, execute: () => refuse })] })
const grows = Program.make("grows", {
  ...seeded,
  budget: { maxFacts: 20 },
  agents: [
    Agent.make("next", {
      each: Item,
      writes: [Item],
      execute: ({ value: { n } }) => Effect.succeed({ facts: [Item.of({ n: n + 10 })] })
    })
  ]
})

describe("an ended job of a program that is not served", () => {
  it.each([lossy, fails, grows])("has its output, its error, its usage and its lists: $name", async ({ name }) => {
    const store = JobStore.layerSqlite({ filename: join(folder, `${name}.db`) })
    const paths = ["", "?facts=all", "?valueLength=10&limit=1"].map((query) => `/api/v1/jobs/one${query}`)
    const read = async (programs: ReadonlyArray<Program.Program.Any>) => {
      const running = await serve({ programs }, { store })
      try {
        if (programs.length > 1) await running.post("/api/v1/jobs", { program: name, id: "one" })
        return await Promise.all(paths.map(async (path) => jsonOf(await running.fetch(path))))
      } finally {
        await running.stop()
      }
    }
    const served = await read([lossy, fails, grows])
    const unserved = await read([count])
    expect(unserved).toEqual(served.map((job) => ({ ...job, phase: null })))
    expect(unserved[0]).toMatchObject({ result: { jobId: "one" }, usage: { cycles: expect.any(Number) } })
  })
})
