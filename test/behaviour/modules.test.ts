/**
 * The limits of a program's module: a worker that imports it either runs the job's own agents or says why it cannot.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Engine, JobStore, WorkerPool } from "../../src/index.ts"
import { double } from "../support/modules/twins.ts"
import { node } from "../support/node.ts"

const engine = Engine.layer().pipe(Layer.provide(WorkerPool.layer({ size: 1 })), Layer.provide(JobStore.layerMemory))

describe("a program's module", () => {
  it.live("that exports two programs of one name is refused, rather than run the wrong one", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Engine.run(double, {}))
      expect(error).toMatchObject({ _tag: "AgentPanicked", agent: "times" })
      expect(error.message).toContain('exports several programs that are called "scale"')
    }).pipe(Effect.provide(engine))
  )

  it("that runs jobs at its top level is told so, and starts no engine in its workers", async () => {
    const { stdout } = await node(["test/support/modules/selfRunning.ts"])
    expect(stdout).toContain("an engine was started on a worker thread")
    expect(stdout).toContain("at its top level")
  })
})
