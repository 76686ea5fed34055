/** Jobs beside the routes of a server of one's own, with an agent that asks a language model: as a process, through a socket. */
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { Engine, JobStore, WorkerPool } from "effect-converge"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { support } from "../../../docs/examples/embedded-server/program.ts"
import { projectRoot } from "../../support/node.ts"

const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => child.on("close", resolve))

describe("the embedded server", () => {
  let child: ChildProcess
  let exited: Promise<number | null>
  let url = ""
  let said = ""

  beforeAll(async () => {
    child = spawn(process.execPath, [join(projectRoot, "docs/examples/embedded-server/main.ts")], {
      env: { ...process.env, NODE_OPTIONS: "", PORT: "0" },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 60_000,
      killSignal: "SIGKILL"
    })
    exited = ended(child)
    child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()))
    url = await new Promise((resolve, reject) => {
      child.stdout?.on("data", (chunk: Buffer) => {
        said += chunk.toString()
        const found = /http:\/\/[\w.:]+\d/.exec(said)?.[0]
        if (found !== undefined) resolve(found)
      })
      child.on("close", () => reject(new Error(`it ended: ${said}`)))
    })
  })

  afterAll(() => void child.kill("SIGKILL"))

  const post = (path: string, body: unknown) =>
    fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body)
    })

  it("answers on its own routes, one of which runs a job; each answer of the model fits, and its tokens are counted", async () => {
    expect(await (await fetch(url)).text()).toBe("the shop's own server\n")
    const response = await post("/tickets", {
      T1: "I was charged twice",
      T2: "Where is my parcel? gibberish"
    })
    expect([response.status, await response.json()]).toEqual([
      200,
      {
        sorted: [
          { ticket: "T1", topic: "billing", isUrgent: true, summary: "charged twice" },
          { ticket: "T2", topic: "delivery", isUrgent: false, summary: "asks where it is" }
        ],
        tokens: expect.any(Number)
      }
    ])
    expect((await post("/tickets", [])).status).toBe(400)
  })

  it("serves jobs below its prefix: the result, the events, the budget of tokens, the health", async () => {
    const body = { program: "support", input: { tickets: { T3: "It never arrived" } }, id: "three" }
    const result = (await (await post("/converge/api/v1/jobs", body)).json()) as Record<string, unknown>
    expect(result).toMatchObject({
      status: "converged",
      output: [{ ticket: "T3", topic: "delivery", isUrgent: true }],
      usage: { tokens: expect.any(Number) }
    })
    expect((result["usage"] as Record<string, number>)["tokens"]).toBeGreaterThan(10)
    const events = await (await fetch(`${url}/converge/api/v1/jobs/three/events`)).text()
    expect(events).toContain("event: FactsCommitted")
    expect(events).toContain("event: JobHalted")
    const poor = await post("/converge/api/v1/jobs", { ...body, id: "poor", budget: { maxTokens: 5 } })
    expect([poor.status, await poor.json()]).toEqual([
      413,
      expect.objectContaining({ budget: "tokens", spender: "sort" })
    ])
    expect(await (await fetch(`${url}/converge/health`)).text()).toBe("ok")
    expect((await fetch(`${url}/converge/ready`)).status).toBe(200)
  })

  it("ends on SIGTERM", async () => {
    const begin = Date.now()
    child.kill("SIGTERM")
    await exited
    expect(Date.now() - begin).toBeLessThan(10_000)
  })
})

describe("the agent that asks a model", () => {
  /** A model that gives one answer, and counts how often it is asked. */
  const scripted = (answer: object) => {
    const script = { asked: 0 }
    const layer = Layer.effect(
      LanguageModel.LanguageModel,
      LanguageModel.make({
        generateText: () =>
          Effect.sync(() => {
            script.asked++
            return [
              { type: "text", text: JSON.stringify(answer) },
              { type: "finish", reason: "stop", usage: { inputTokens: { total: 20 }, outputTokens: { total: 5 } } }
            ]
          }),
        streamText: () => Stream.empty
      })
    )
    return { script, layer }
  }
  const input = { tickets: { T1: "hello" } }
  const good = { topic: "other", isUrgent: false, summary: "says hello" }

  it("gives up with its typed error when no answer fits: one question and three more", async () => {
    const { layer, script } = scripted({ topic: "weather" })
    const run = Engine.run(support, input).pipe(Effect.provide([Engine.layerMemory, layer]), Effect.flip)
    expect(await Effect.runPromise(run)).toMatchObject({ _tag: "AgentFailed", agent: "sort" })
    expect(script.asked).toBe(4)
  })

  it("does not ask again for what it was told before the process died", async () => {
    const { layer, script } = scripted(good)
    const run = Effect.gen(function* () {
      const kept = yield* JobStore.JobStore
      const broken: typeof kept = {
        ...kept,
        append: () => Effect.fail(new JobStore.StoreError({ reason: "closed", message: "the process died" }))
      }
      const on = (store: typeof kept) =>
        Engine.run(support, input, { id: "once" }).pipe(
          Effect.provide(Engine.layer()),
          Effect.provideService(JobStore.JobStore, store)
        )
      const failed = yield* Effect.flip(on(broken))
      const { output, usage } = yield* on(kept)
      return { failed: failed._tag, output, tokens: usage.tokens }
    }).pipe(Effect.provide([JobStore.layerMemoryJournal, WorkerPool.layerInline, layer]))
    expect(await Effect.runPromise(run)).toEqual({
      failed: "StoreFailed",
      output: [{ ticket: "T1", ...good }],
      tokens: 25
    })
    expect(script.asked).toBe(1)
  })
})
