/** The example of docs/examples/research, with a model that goes by a script: rounds, approval, budget, and a bill that is kept. */
import { describe, expect, it } from "@effect/vitest"
import { Engine, Program } from "effect-converge"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { spawn } from "node:child_process"
import { join } from "node:path"
import { inquiry } from "../../../docs/examples/research/program.ts"
import { engineOn, type Opinion, reviewed } from "../../../docs/examples/research/review.ts"
import { type Script, script, scriptedModel } from "../../../docs/examples/research/scriptedModel.ts"
import { projectRoot } from "../../support/node.ts"
import { withFile } from "../../support/store/harness.ts"
import { kill, lines } from "../../support/store/processes.ts"

/** A model, and how often it was asked for what. `before` runs before each answer. */
const counted = (answers: Script = script, before?: (objectName: string, times: number) => Effect.Effect<void>) => {
  const asked: Record<string, number> = {}
  const model = scriptedModel(answers, (objectName) =>
    Effect.suspend(() => {
      asked[objectName] = (asked[objectName] ?? 0) + 1
      return before?.(objectName, asked[objectName]) ?? Effect.void
    })
  )
  return { asked, model }
}

/** Decides by the table; nobody should be asked about another draft. */
const by =
  (opinions: Readonly<Record<string, Omit<Opinion, "by">>>) =>
  ({ id }: { readonly id: string }) => {
    const opinion = opinions[id]
    return opinion === undefined
      ? Effect.die(new Error(`asked about ${id}`))
      : Effect.succeed({ by: "Ada", ...opinion })
  }

const yes = { approved: true, reason: "" }
const shorter = { approved: false, reason: "shorter, please" }

const output = {
  topic: "the sea",
  report: "A report. It is long.",
  approvedBy: "Ada",
  drafts: 1,
  sources: ["the book of How deep is it?", "the book of Who measured it?"],
  open: ["Why?"]
}

/** The bill of an inquiry whose first draft is approved: seven answers, seven reviews, a plan and a report. */
const bill = { tokens: 374, cost: 16 }

describe("an inquiry", () => {
  it("has no likely mistake that the runtime knows of", () => {
    expect(Program.warnings(inquiry)).toEqual([])
  })

  it.live("asks again what the critic sends back, three times at most, and reports on what was accepted", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { asked, model } = counted()
        const result = yield* Effect.provide(
          reviewed("i", "the sea", by({ "draft 1": yes })),
          engineOn(filename, model)
        )
        expect(result.output).toEqual(output)
        // Two questions were answered in the second round; the third was given up after three.
        expect(asked).toEqual({ plan: 1, answer: 7, review: 7, report: 1 })
        expect(result.usage).toMatchObject(bill)
        expect(result.diagnostics).toEqual([])
      })
    )
  )

  it.live("writes anew when somebody asks for changes, and publishes nothing that nobody approved", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { asked, model } = counted()
        const decide = by({ "draft 1": shorter, "draft 2": yes, "draft 3": shorter })
        const run = (id: string, decisions: typeof decide) =>
          Effect.provide(reviewed(id, "the sea", decisions), engineOn(filename, model))
        const changed = yield* run("changed", decide)
        expect(changed.output).toEqual({ ...output, report: "A report. It is short.", drafts: 2 })
        const refused = yield* run("refused", by({ "draft 1": shorter, "draft 2": shorter, "draft 3": shorter }))
        expect(refused.output).toEqual({ ...output, report: null, approvedBy: null, drafts: 3 })
        expect(asked["report"]).toBe(2 + 3)
      })
    )
  )

  it.live("ends before a call that could exceed its budget, with what was paid for", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { asked, model } = counted()
        const error = yield* Engine.run(inquiry, { topic: "the sea" }, { budget: { maxTokens: 1_100 } }).pipe(
          Effect.flip,
          Effect.provide(engineOn(filename, model))
        )
        expect(error).toMatchObject({ _tag: "BudgetExhausted", budget: "tokens", limit: 1_100 })
        const { partial } = error as Extract<typeof error, { readonly _tag: "BudgetExhausted" }>
        expect(partial.usage.tokens).toBeGreaterThan(90)
        expect(partial.usage.tokens).toBeLessThanOrEqual(1_100)
        expect(asked["plan"]).toBe(1)
        expect(asked["report"]).toBeUndefined()
      })
    )
  )

  it.live(
    "asks a model again that answers in another shape, and then fails with its error; every attempt is paid",
    () =>
      withFile((filename) =>
        Effect.gen(function* () {
          const { asked, model } = counted(() => ({ questions: [] }))
          const error = yield* Engine.run(inquiry, { topic: "the sea" }).pipe(
            Effect.flip,
            Effect.provide(engineOn(filename, model))
          )
          expect(error).toMatchObject({ _tag: "AgentFailed", agent: "plan", error: { _tag: "AiError" } })
          expect(asked).toEqual({ plan: 3 })
          const { partial } = error as Extract<typeof error, { readonly _tag: "AgentFailed" }>
          expect(partial.usage.tokens).toBeGreaterThanOrEqual(3)
        })
      )
  )
})

describe("an inquiry that is broken off", () => {
  it.live(
    "during its calls keeps every answer and the bill, and pays the calls that were under way as they were reserved",
    () =>
      withFile((filename) =>
        Effect.gen(function* () {
          const stuck = yield* Deferred.make<void>()
          // The three answers of the second round are under way when the process ends.
          const first = counted(script, (objectName, times) =>
            objectName === "answer" && times > 3
              ? Effect.andThen(times === 6 ? Deferred.succeed(stuck, undefined) : Effect.void, Effect.never)
              : Effect.void
          )
          const run = (model: typeof first.model) =>
            Effect.provide(reviewed("i", "the sea", by({ "draft 1": yes })), engineOn(filename, model))
          const fiber = yield* Effect.forkChild(run(first.model))
          yield* Deferred.await(stuck)
          // The engine leaves the job in its file, as it does when a process ends.
          yield* Fiber.interrupt(fiber)
          const second = counted()
          const result = yield* run(second.model)
          expect(result.output).toEqual(output)
          expect(result.usage).toMatchObject({ tokens: bill.tokens + 3 * 1_000, cost: bill.cost + 3 * 10 })
          expect(first.asked).toEqual({ plan: 1, answer: 6, review: 3 })
          expect(second.asked).toEqual({ answer: 4, review: 4, report: 1 })
        })
      )
  )

  it.live(
    "by kill -9 at the question goes on there, and asks no model again",
    () =>
      withFile((filename) =>
        Effect.promise(async () => {
          const start = () =>
            spawn(process.execPath, [join(projectRoot, "docs/examples/research/main.ts"), "--store", filename], {
              stdio: ["pipe", "pipe", "inherit"]
            })
          const killed = start()
          expect((await lines(killed, 2))[0]).toBe("draft 1: A report. It is long.")
          await kill(killed)
          const second = start()
          second.stdin?.end("y\n")
          let said = ""
          second.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()))
          await new Promise((resolve) => second.on("close", resolve))
          expect(JSON.parse(said.slice(said.indexOf("{")))).toEqual({ ...output, ...bill, approvedBy: "the reader" })
        })
      ),
    60_000
  )
})
