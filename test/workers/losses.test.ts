/** The verdict on a thread that was lost while it loaded: what is said of it names no file, since clients read it. */
import { describe, expect, it } from "vitest"
import type { BatchRun, Work } from "../../src/workers/batchRun.ts"
import { judgeLoad } from "../../src/workers/lossVerdict.ts"
import type { Thread } from "../../src/workers/thread.ts"

describe("a program whose module does not load in time", () => {
  it("fails its tasks with a message that does not say where the module is", () => {
    const run = { program: { module: "file:///secret/place/program.ts", name: "p" }, losses: 0 } as BatchRun
    const thread = { reason: "slow-start" } as Thread<Work>
    const cause = judgeLoad(run, thread, {
      exitCode: 1,
      error: undefined,
      isOutOfMemory: false,
      shortage: undefined
    })?.("agent", 1)
    expect(cause).toMatchObject({ _tag: "AgentPanicked", agent: "agent", cycle: 1 })
    expect(JSON.stringify(cause)).toContain("did not load on a worker within")
    expect(JSON.stringify(cause)).not.toContain("secret")
  })
})
